// A compile-time list of entries, and the way from a run-time index to one of them.
//
// Everything in formulas/ has internal linkage: the headers are compiled once per instruction set, and an inline
// function that the linker merged across those objects could put AVX-512 code where an old CPU finds it.
#pragma once

namespace densegrad::formulas {
namespace {

template <class... Entries>
struct List {
  static constexpr int size = sizeof...(Entries);
  static constexpr const char* names[] = {Entries::name...};
};

// f(Entry{}) for the entry at `index`, which must be in range. All branches return the type of the first.
template <class First, class... Rest, class F>
constexpr auto visit_entry(List<First, Rest...>, int index, F&& f) {
  if constexpr (sizeof...(Rest) == 0) {
    return f(First{});
  } else {
    if (index == 0) return f(First{});
    return visit_entry(List<Rest...>{}, index - 1, f);
  }
}

}  // namespace
}  // namespace densegrad::formulas
