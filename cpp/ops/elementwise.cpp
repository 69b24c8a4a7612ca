// Elementwise primitives: unary and binary.
#include <algorithm>
#include <iterator>
#include <type_traits>

#include "ops/batch.h"
#include "ops/broadcast.h"
#include "ops/ops.h"

namespace densegrad {

template <>
const std::vector<const char*>& names_of<Unary>() {
  static const std::vector<const char*> names(std::begin(unary_names), std::end(unary_names));
  return names;
}
template <>
const std::vector<const char*>& names_of<Binary>() {
  static const std::vector<const char*> names{"add",     "subtract",     "multiply", "divide",  "power",    "maximum",
                                              "minimum", "floor_divide", "mod",      "arctan2", "polygamma"};
  return names;
}
namespace {

template <class E>
const char* name_of(E e) {
  return names_of<E>()[static_cast<std::size_t>(e)];
}

// ---- Integer loops: labels and indices, so plain and in one place. Overflow wraps, as in NumPy. -----------------------

template <class T>
T integer_unary(Unary op, T x) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case Unary::negative: return static_cast<T>(U(0) - static_cast<U>(x));
    case Unary::square: return static_cast<T>(static_cast<U>(x) * static_cast<U>(x));
    case Unary::abs: return x < 0 ? static_cast<T>(U(0) - static_cast<U>(x)) : x;
    case Unary::sign: return static_cast<T>((x > 0) - (x < 0));
    default: return x;
  }
}

template <class T>
T integer_binary(Binary op, T a, T b) {
  using U = std::make_unsigned_t<T>;
  switch (op) {
    case Binary::add: return static_cast<T>(static_cast<U>(a) + static_cast<U>(b));
    case Binary::subtract: return static_cast<T>(static_cast<U>(a) - static_cast<U>(b));
    case Binary::multiply: return static_cast<T>(static_cast<U>(a) * static_cast<U>(b));
    case Binary::maximum: return a > b ? a : b;
    case Binary::power: {  // b is not negative
      U result = 1, factor = static_cast<U>(a);
      for (; b > 0; b /= 2, factor *= factor)
        if (b % 2 == 1) result *= factor;
      return static_cast<T>(result);
    }
    case Binary::floor_divide:
    case Binary::mod: {
      if (b == -1) return op == Binary::mod ? T(0) : static_cast<T>(U(0) - static_cast<U>(a));  // -a may not fit
      const T quotient = a / b, rest = a % b;
      const bool below = rest != 0 && (rest < 0) != (b < 0);  // C++ rounds towards zero
      if (op == Binary::mod) return below ? static_cast<T>(rest + b) : rest;
      return below ? quotient - 1 : quotient;
    }
    default: return a < b ? a : b;
  }
}

// ---- Unary ----------------------------------------------------------------------------------------------------------

// Whole numbers: integers are their own, and nothing flows back (TensorFlow's choice).
constexpr bool rounds(Unary op) { return op == Unary::floor || op == Unary::ceil || op == Unary::round; }

template <Unary op>
void unary_shapes(const Tensors& in, const Params&, Specs& out) {
  constexpr bool integers =
      op == Unary::negative || op == Unary::square || op == Unary::abs || op == Unary::sign || rounds(op);
  if (in[0].dtype() == DType::boolean || (!integers && !is_float(in[0].dtype()))) {
    fail<TypeError>("[", name_of(op), "] `x` is ", in[0].dtype(), ": it must be ",
                    integers ? "a number" : "float32 or float64", "; convert it with cast(x, dtype).");
  }
  out.push_back({in[0].dtype(), in[0].shape()});
}

template <Unary op>
void unary_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &x = in[0], &y = out[0];
  if (is_float(x.dtype())) {
    visit_float(x.dtype(), [&](auto type) {
      using T = typename decltype(type)::type;
      kernels_for<T>().unary[static_cast<int>(op)](x.size(), x.data<T>(), y.mutable_data<T>());
    });
    return;
  }
  const auto loop = [&](auto type) {
    using T = typename decltype(type)::type;
    for (index_t i = 0; i < x.size(); ++i) y.mutable_data<T>()[i] = integer_unary<T>(op, x.data<T>()[i]);
  };
  x.dtype() == DType::int32 ? loop(Type<std::int32_t>{}) : loop(Type<std::int64_t>{});
}

constexpr double two_over_sqrt_pi = 1.1283791670955126, half_sqrt_pi = 0.88622692545275801;

template <Unary op>
bool unary_vjp(VjpContext& c) {
  const Tensor &x = c.inputs[0], &y = c.outputs[0], &g = c.dy[0];
  Tensor& dx = c.dx[0];
  if constexpr (op == Unary::negative) {
    dx = negative(g);
  } else if constexpr (op == Unary::square) {
    dx = multiply(g, multiply(constant_like(x, 2), x));
  } else if constexpr (op == Unary::sqrt) {
    // A zero cotangent stays zero where there is no finite slope (Keras' choice), and only there: its own slope is 1 / 2y.
    const Tensor sloped = compare(Compare::greater, y, constant_like(y, 0));
    const Tensor zero = compare(Compare::equal, where(sloped, constant_like(g, 1), g), constant_like(g, 0));
    dx = divide(g, where(zero, constant_like(y, 1), multiply(constant_like(y, 2), y)));
  } else if constexpr (op == Unary::exp) {
    dx = multiply(g, y);
  } else if constexpr (op == Unary::expm1) {
    dx = multiply(g, unary(Unary::exp, x));  // y + 1 has no correct digits where y is near -1
  } else if constexpr (op == Unary::log) {
    dx = divide(g, x);
  } else if constexpr (op == Unary::log1p) {
    dx = divide(g, add(x, constant_like(x, 1)));
  } else if constexpr (op == Unary::abs) {
    dx = multiply(g, unary(Unary::sign, x));
  } else if constexpr (op == Unary::sin) {
    dx = multiply(g, unary(Unary::cos, x));
  } else if constexpr (op == Unary::cos) {
    dx = negative(multiply(g, unary(Unary::sin, x)));
  } else if constexpr (op == Unary::tan) {
    dx = divide(g, unary(Unary::square, unary(Unary::cos, x)));
  } else if constexpr (op == Unary::arcsin || op == Unary::arccos) {
    const Tensor one = constant_like(x, 1);
    dx = divide(g, unary(Unary::sqrt, multiply(subtract(one, x), add(one, x))));
    if (op == Unary::arccos) dx = negative(dx);
  } else if constexpr (op == Unary::arctan) {
    dx = divide(g, add(unary(Unary::square, x), constant_like(x, 1)));
  } else if constexpr (op == Unary::sinh) {
    dx = multiply(g, unary(Unary::cosh, x));
  } else if constexpr (op == Unary::cosh) {
    dx = multiply(g, unary(Unary::sinh, x));
  } else if constexpr (op == Unary::arcsinh) {
    dx = divide(g, unary(Unary::cosh, y));  // sqrt(1 + x^2), whose square may overflow
  } else if constexpr (op == Unary::arccosh) {
    dx = divide(g, unary(Unary::sinh, y));
  } else if constexpr (op == Unary::arctanh) {
    const Tensor one = constant_like(x, 1);
    dx = divide(g, multiply(subtract(one, x), add(one, x)));
  } else if constexpr (op == Unary::tanh) {
    const Tensor one = constant_like(y, 1);
    dx = multiply(g, multiply(subtract(one, y), add(one, y)));
  } else if constexpr (op == Unary::erf || op == Unary::erfc) {
    const double slope = op == Unary::erf ? two_over_sqrt_pi : -two_over_sqrt_pi;
    dx = multiply(g, multiply(constant_like(x, slope), unary(Unary::exp, negative(unary(Unary::square, x)))));
  } else if constexpr (op == Unary::erfinv || op == Unary::erfcinv) {
    const double slope = op == Unary::erfinv ? half_sqrt_pi : -half_sqrt_pi;
    dx = multiply(g, multiply(constant_like(y, slope), unary(Unary::exp, unary(Unary::square, y))));
  } else if constexpr (op == Unary::lgamma) {
    dx = multiply(g, unary(Unary::digamma, x));
  } else if constexpr (op == Unary::digamma) {
    dx = multiply(g, binary(Binary::polygamma, constant_like(x, 1), x));
  } else {
    dx = Tensor::full(g.dtype(), g.shape(), 0);
  }
  return true;
}

template <Unary op>
const Primitive& unary_primitive() {
  constexpr bool from_y = op == Unary::sqrt || op == Unary::exp || op == Unary::tanh || op == Unary::arcsinh ||
                          op == Unary::arccosh || op == Unary::erfinv || op == Unary::erfcinv;
  constexpr bool from_x = !from_y && op != Unary::negative && op != Unary::sign && !rounds(op);
  static const Primitive p{.name = name_of(op),
                           .saved_inputs = from_x ? save(0) : save_none,
                           .saved_outputs = from_y ? save(0) : save_none,
                           .shapes = unary_shapes<op>,
                           .eval = unary_eval<op>,
                           .vjp = unary_vjp<op>,
                           .jvp = entrywise_jvp,
                           .vmap = same_vmap,
                           .differentiable = !rounds(op),
                           .in_place = 0};
  return p;
}

// ---- Binary ---------------------------------------------------------------------------------------------------------

template <Binary op>
void binary_shapes(const Tensors& in, const Params&, Specs& out) {
  same_dtype(name_of(op), in[0], in[1]);
  constexpr bool integers = op != Binary::divide && op != Binary::arctan2 && op != Binary::polygamma;
  if (in[0].dtype() == DType::boolean || (!integers && !is_float(in[0].dtype()))) {
    fail<TypeError>("[", name_of(op), "] `x1` and `x2` are ", in[0].dtype(), ": they must be ",
                    integers ? "numbers" : "float32 or float64", "; convert them with cast(x, dtype).");
  }
  out.push_back({in[0].dtype(), broadcast_shapes(name_of(op), in[0].shape(), in[1].shape())});
}

template <Binary op>
void binary_eval(const Tensors& in, const Params&, Tensors& out) {
  const Tensor &a = in[0], &b = in[1], &y = out[0];
  visit_number(a.dtype(), [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (std::is_integral_v<T> && (op == Binary::floor_divide || op == Binary::mod)) {
      const T* end = b.data<T>() + b.size();
      if (y.size() > 0 && std::find(b.data<T>(), end, T(0)) != end) {
        fail<ZeroDivisionError>("[", name_of(op), "] `x2` has a zero: integers cannot be divided by it.");
      }
    }
    if constexpr (std::is_integral_v<T> && op == Binary::power) {
      const T* end = b.data<T>() + b.size();
      if (y.size() > 0 && std::any_of(b.data<T>(), end, [](T e) { return e < 0; })) {
        fail("[power] `x2` has a negative number: integers have no such powers; convert `x1` with cast(x, dtype).");
      }
    }
    const T *pa = a.data<T>(), *pb = b.data<T>();
    T* py = y.mutable_data<T>();
    const auto run = [&](index_t n, auto& at, auto& step, index_t to) {
      if constexpr (std::is_floating_point_v<T>) {
        kernels_for<T>().binary[static_cast<int>(op)](n, pa + at[0], step[0], pb + at[1], step[1], py + to);
      } else {
        for (index_t i = 0; i < n; ++i)
          py[to + i] = integer_binary<T>(op, pa[at[0] + i * step[0]], pb[at[1] + i * step[1]]);
      }
    };
    constexpr bool heavy = op == Binary::power || op == Binary::arctan2 || op == Binary::polygamma;
    for_each_run<2>(y.shape(), {&a.shape(), &b.shape()}, run, heavy ? heavy_grain : light_grain);
  });
}

// The derivative of a^b by a, and that by b times t.
Tensor power_slope_base(const Tensor& a, const Tensor& b) {
  return multiply(b, binary(Binary::power, a, subtract(b, constant_like(b, 1))));
}
Tensor power_slope_exponent(const Tensor& a, const Tensor& y, const Tensor& t) {
  // log is taken of a harmless 1 where the base is not positive, so that no NaN enters higher derivatives.
  const Tensor one = constant_like(a, 1), zero = constant_like(a, 0);
  const Tensor positive = compare(Compare::greater, a, zero);
  const Tensor log_a = unary(Unary::log, where(positive, a, one));
  return where(positive, multiply(t, multiply(y, where(positive, log_a, zero))), zero);
}

// The derivative of polygamma by x; none is defined by n, of which only whole numbers have a value.
Tensor polygamma_slope(const Tensor& n, const Tensor& x) {
  return binary(Binary::polygamma, add(n, constant_like(n, 1)), x);
}

Tensor squared_length(const Tensor& a, const Tensor& b) {
  return add(unary(Unary::square, a), unary(Unary::square, b));
}

template <Binary op>
bool binary_vjp(VjpContext& c) {
  const Tensor &a = c.inputs[0], &b = c.inputs[1], &y = c.outputs[0], &g = c.dy[0];
  Tensor da, db;
  const bool want_a = c.wanted[0], want_b = c.wanted[1];
  if constexpr (op == Binary::add) {
    da = g;
    db = g;
  } else if constexpr (op == Binary::subtract) {
    da = g;
    if (want_b) db = negative(g);
  } else if constexpr (op == Binary::multiply) {
    if (want_a) da = multiply(g, b);
    if (want_b) db = multiply(g, a);
  } else if constexpr (op == Binary::divide) {
    if (want_a) da = divide(g, b);
    if (want_b) db = negative(multiply(g, divide(y, b)));
  } else if constexpr (op == Binary::power) {
    if (want_a) da = multiply(g, power_slope_base(a, b));
    if (want_b) db = power_slope_exponent(a, y, g);
  } else if constexpr (op == Binary::mod) {
    da = g;
    if (want_b) db = negative(multiply(g, binary(Binary::floor_divide, a, b)));
  } else if constexpr (op == Binary::arctan2) {
    const Tensor part = divide(g, squared_length(a, b));
    if (want_a) da = multiply(part, b);
    if (want_b) db = negative(multiply(part, a));
  } else if constexpr (op == Binary::polygamma) {
    if (want_b) db = multiply(g, polygamma_slope(a, b));
  } else {
    // Ties go to the first argument; a NaN sends everything to the second (Keras' choice).
    const Tensor first = compare(op == Binary::maximum ? Compare::greater_equal : Compare::less_equal, a, b);
    const Tensor zero = constant_like(g, 0);
    if (want_a) da = where(first, g, zero);
    if (want_b) db = where(first, zero, g);
  }
  if (want_a && da.defined()) c.dx[0] = sum_to(da, a.shape());
  if (want_b) c.dx[1] = sum_to(db, b.shape());
  return true;
}

template <Binary op>
bool binary_jvp(JvpContext& c) {
  const Tensor &a = c.inputs[0], &b = c.inputs[1], &y = c.outputs[0];
  const Tensor &ta = c.tangents[0], &tb = c.tangents[1];
  Tensor from_a, from_b;  // what each tangent contributes
  if constexpr (op == Binary::add || op == Binary::subtract) {
    from_a = ta;
    if (tb.defined()) from_b = op == Binary::add ? tb : negative(tb);
  } else if constexpr (op == Binary::multiply) {
    if (ta.defined()) from_a = multiply(ta, b);
    if (tb.defined()) from_b = multiply(tb, a);
  } else if constexpr (op == Binary::divide) {
    if (ta.defined()) from_a = divide(ta, b);
    if (tb.defined()) from_b = negative(multiply(tb, divide(y, b)));
  } else if constexpr (op == Binary::power) {
    if (ta.defined()) from_a = multiply(ta, power_slope_base(a, b));
    if (tb.defined()) from_b = power_slope_exponent(a, y, tb);
  } else if constexpr (op == Binary::mod) {
    from_a = ta;
    if (tb.defined()) from_b = negative(multiply(tb, binary(Binary::floor_divide, a, b)));
  } else if constexpr (op == Binary::arctan2) {
    const Tensor length = squared_length(a, b);
    if (ta.defined()) from_a = divide(multiply(ta, b), length);
    if (tb.defined()) from_b = negative(divide(multiply(tb, a), length));
  } else if constexpr (op == Binary::polygamma) {
    from_b = tb.defined() ? multiply(tb, polygamma_slope(a, b)) : Tensor::full(y.dtype(), y.shape(), 0);
  } else {
    const Tensor first = compare(op == Binary::maximum ? Compare::greater_equal : Compare::less_equal, a, b);
    const Tensor zero = constant_like(y, 0);
    if (ta.defined()) from_a = where(first, ta, zero);
    if (tb.defined()) from_b = where(first, zero, tb);
  }
  Tensor sum = from_a.defined() && from_b.defined() ? add(from_a, from_b) : from_a.defined() ? from_a : from_b;
  c.out_tangents = {broadcast_to(sum, y.shape())};
  return true;
}

template <Binary op>
const Primitive& binary_primitive() {
  constexpr bool linear = op == Binary::add || op == Binary::subtract;
  constexpr bool from_y = op == Binary::divide || op == Binary::power;
  static const Primitive p{.name = name_of(op),
                           .saved_inputs = linear ? save_none : save_all,
                           .saved_outputs = from_y ? save(0) : save_none,
                           .shapes = binary_shapes<op>,
                           .eval = binary_eval<op>,
                           .vjp = binary_vjp<op>,
                           .jvp = binary_jvp<op>,
                           .vmap = broadcasting_vmap,
                           .differentiable = op != Binary::floor_divide,
                           .in_place = 0};
  return p;
}

// Tables from enum value to primitive, expanded from the enum's size.
template <int... I>
std::vector<const Primitive*> unary_list(std::integer_sequence<int, I...>) {
  return {&unary_primitive<static_cast<Unary>(I)>()...};
}
template <int... I>
std::vector<const Primitive*> binary_list(std::integer_sequence<int, I...>) {
  return {&binary_primitive<static_cast<Binary>(I)>()...};
}

template <class E>
const std::vector<const Primitive*>& table() {
  static const auto list = [] {
    constexpr auto indices = std::make_integer_sequence<int, size_of<E>()>{};
    if constexpr (std::is_same_v<E, Unary>) {
      return unary_list(indices);
    } else {
      return binary_list(indices);
    }
  }();
  return list;
}

}  // namespace

Tensor unary(Unary op, const Tensor& x) { return run1(*table<Unary>()[static_cast<std::size_t>(op)], {x}); }
Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  return run1(*table<Binary>()[static_cast<std::size_t>(op)], {a, b});
}
std::vector<const Primitive*> elementwise_primitives() {
  std::vector<const Primitive*> all = table<Unary>();
  all.insert(all.end(), table<Binary>().begin(), table<Binary>().end());
  return all;
}

}  // namespace densegrad
