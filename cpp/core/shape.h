// The extents of a tensor. The first one may be unknown (symbolic tensors).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>

#include "core/error.h"

namespace densegrad {

using index_t = std::int64_t;

inline constexpr index_t unknown = -1;
inline constexpr int max_rank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<index_t> dims) {
    for (index_t d : dims) push_back(d);
  }
  template <class It>
  Shape(It first, It last) {
    for (; first != last; ++first) push_back(*first);
  }

  int rank() const { return rank_; }
  index_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  index_t& operator[](int i) { return dims_[static_cast<std::size_t>(i)]; }
  index_t back() const { return (*this)[rank_ - 1]; }
  const index_t* begin() const { return dims_.data(); }
  const index_t* end() const { return dims_.data() + rank_; }

  void push_back(index_t d) {
    if (rank_ == max_rank) fail("[shape] more than ", max_rank, " axes are not supported.");
    dims_[static_cast<std::size_t>(rank_++)] = d;
  }

  bool is_known() const {
    for (index_t d : *this)
      if (d == unknown) return false;
    return true;
  }

  // The product of dims [first, last); throws std::overflow_error when it does not fit an index.
  index_t count(int first, int last) const {
    index_t n = 1;
    for (int i = first; i < last; ++i) {
      if ((*this)[i] == 0) return 0;
      if (__builtin_mul_overflow(n, (*this)[i], &n))
        fail<std::overflow_error>("[shape] ", *this, " has too many entries.");
    }
    return n;
  }
  index_t count() const { return count(0, rank_); }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

  friend std::ostream& operator<<(std::ostream& out, const Shape& s) {
    out << '(';
    for (int i = 0; i < s.rank_; ++i) {
      if (i) out << ", ";
      if (s[i] == unknown) {
        out << "None";
      } else {
        out << s[i];
      }
    }
    return out << (s.rank_ == 1 ? ",)" : ")");
  }

 private:
  std::array<index_t, max_rank> dims_{};
  int rank_ = 0;
};

// An axis in [-rank, rank) as an index in [0, rank).
inline int normalize_axis(const char* tag, index_t axis, int rank) {
  if (axis < -rank || axis >= rank) {
    fail("[", tag, "] `axis` is ", axis, " but the tensor has ", rank, " axes: it must be in [", -rank, ", ", rank,
         ").");
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

}  // namespace densegrad
