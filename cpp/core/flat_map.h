// A hash map from non-zero 64-bit ids to V: open addressing, no erase. Tapes look ids up at every operation.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace densegrad {

template <class V>
class FlatMap {
 public:
  V* find(std::uint64_t key) {
    if (count_ == 0) return nullptr;
    for (std::size_t i = slot(key);; i = (i + 1) & mask()) {
      if (entries_[i].first == key) return &entries_[i].second;
      if (entries_[i].first == 0) return nullptr;
    }
  }
  const V* find(std::uint64_t key) const { return const_cast<FlatMap*>(this)->find(key); }
  bool contains(std::uint64_t key) const { return find(key) != nullptr; }

  V& operator[](std::uint64_t key) {
    if (4 * (count_ + 1) > 3 * entries_.size()) grow();
    std::size_t i = slot(key);
    while (entries_[i].first != key) {
      if (entries_[i].first == 0) {
        entries_[i].first = key;
        ++count_;
        break;
      }
      i = (i + 1) & mask();
    }
    return entries_[i].second;
  }

  void clear() {
    entries_.clear();
    count_ = 0;
  }

 private:
  std::size_t mask() const { return entries_.size() - 1; }
  std::size_t slot(std::uint64_t key) const { return (key * 0x9E3779B97F4A7C15u >> 32) & mask(); }

  void grow() {
    std::vector<std::pair<std::uint64_t, V>> old(entries_.empty() ? 32 : 2 * entries_.size());
    old.swap(entries_);
    count_ = 0;
    for (auto& [key, value] : old)
      if (key != 0) (*this)[key] = std::move(value);
  }

  std::vector<std::pair<std::uint64_t, V>> entries_;
  std::size_t count_ = 0;
};

}  // namespace densegrad
