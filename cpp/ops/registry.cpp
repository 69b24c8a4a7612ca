// The list of all primitives. Each family file gives its own.
#include "ops/primitive.h"

namespace densegrad {

std::vector<const Primitive*> elementwise_primitives();
std::vector<const Primitive*> compare_primitives();
std::vector<const Primitive*> select_primitives();
std::vector<const Primitive*> reduce_primitives();
std::vector<const Primitive*> movement_primitives();
std::vector<const Primitive*> indexing_primitives();
std::vector<const Primitive*> matmul_primitives();
std::vector<const Primitive*> linalg_primitives();
std::vector<const Primitive*> eigen_primitives();
std::vector<const Primitive*> dense_primitives();
std::vector<const Primitive*> loss_primitives();
std::vector<const Primitive*> random_primitives();
std::vector<const Primitive*> schedule_primitives();
std::vector<const Primitive*> custom_primitives();

const std::vector<const Primitive*>& all_primitives() {
  static const std::vector<const Primitive*> all = [] {
    std::vector<const Primitive*> list;
    for (auto family :
         {elementwise_primitives, compare_primitives, select_primitives, reduce_primitives, movement_primitives,
          indexing_primitives, matmul_primitives, linalg_primitives, eigen_primitives, dense_primitives,
          loss_primitives, random_primitives, schedule_primitives, custom_primitives}) {
      for (const Primitive* p : family()) list.push_back(p);
    }
    return list;
  }();
  return all;
}

}  // namespace densegrad
