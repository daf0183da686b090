! Two Gaussians of variance 0.04 around +1 and -1 in all of eight directions.
!
!   gfortran -O2 -shared -fPIC -o two_wells.so jobs/plugins/two_wells.f90
!   piadm sample plugin:two_wells.so
!
! At noise (alpha, sigma) the posterior mean of the well that a state comes
! from is tanh(alpha sum(y) / v), with v = 0.04 alpha^2 + sigma^2.
module two_wells
  use iso_c_binding
  implicit none

  integer, parameter :: dimension_ = 8
  real(c_double), parameter :: variance = 0.04_c_double
  ! There is nothing to keep in a model: this stands for one.
  integer(c_int), target, save :: model = 0
  character(kind=c_char), target, save :: no_error(1) = [c_null_char]

contains

  integer(c_int32_t) function version() bind(c, name='piadm_score_version')
    version = 1
  end function

  type(c_ptr) function create(config) bind(c, name='piadm_score_create')
    type(c_ptr), value :: config
    create = c_loc(model)
  end function

  integer(c_int64_t) function get_dimension(self) bind(c, name='piadm_score_dimension')
    type(c_ptr), value :: self
    get_dimension = dimension_
  end function

  integer(c_int32_t) function evaluate(self, rows, alpha, sigma, states, output) &
      bind(c, name='piadm_score_evaluate')
    type(c_ptr), value :: self
    integer(c_int64_t), value :: rows
    real(c_double), intent(in) :: alpha(rows), sigma(rows), states(dimension_, rows)
    real(c_double), intent(out) :: output(dimension_, rows)
    real(c_double) :: v
    integer(c_int64_t) :: row

    do row = 1, rows
      v = variance * alpha(row)**2 + sigma(row)**2
      output(:, row) = (alpha(row) * tanh(alpha(row) * sum(states(:, row)) / v) - states(:, row)) / v
    end do
    evaluate = 0
  end function

  type(c_ptr) function last_error(self) bind(c, name='piadm_score_last_error')
    type(c_ptr), value :: self
    last_error = c_loc(no_error)
  end function

  subroutine destroy(self) bind(c, name='piadm_score_destroy')
    type(c_ptr), value :: self
  end subroutine

end module
