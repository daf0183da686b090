// libpng's simplified interface; setjmp, which its full interface needs, does not import into Swift.
#include <png.h>
