// Random123 (Salmon, Moraes, Dror, Shaw, SC'11): header-only C; only Philox4x32 is used.
#include <Random123/philox.h>
