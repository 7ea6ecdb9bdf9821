// Products for compute capability 9.0, beside cuBLASLt's. A block makes a tile of 128 x 128: two warpgroups multiply 64 rows
// each, and one thread of a ninth warp has tiles of a and b copied to shared memory, up to kStages times 64 terms ahead. Two
// blocks share a multiprocessor, so that one stores its tile while the other multiplies.
//
// Every wait is bounded: who waits in vain sets a word, leaves its tile unwritten and ends, as do all blocks that find it set.
#include "ops/cuda/device/warpgroup.cuh"
#include "ops/cuda/own_product.h"

namespace cw {
namespace {

constexpr int kTile = 128, kDepth = 64, kStages = 3, kConsumers = 2;
constexpr unsigned kSide = kTile * kDepth * 2, kAtom = 1024;  // bytes
[[maybe_unused]] constexpr unsigned kHalf = kSide / 2;        // 64 rows of a side, or 64 columns if it is turned
static_assert(kOwnProductThreads == kConsumers * kWarpgroup + kWarp);

template <class Y>
struct Result {
  View<Y> c;
  View<const Y> add;
  const Y* bias;
};

/// Words 0 to 3 of a quad's lanes as a 4 x 4 matrix, turned.
[[maybe_unused]] __device__ inline void turn_quad(uint32_t (&w)[4]) {
  const int lane = threadIdx.x % kWarp;
  const bool odd = lane & 1, high = lane & 2;
  const uint32_t a = __shfl_xor_sync(~0u, odd ? w[0] : w[1], 1), b = __shfl_xor_sync(~0u, odd ? w[2] : w[3], 1);
  (odd ? w[0] : w[1]) = a;
  (odd ? w[2] : w[3]) = b;
  const uint32_t c = __shfl_xor_sync(~0u, high ? w[0] : w[2], 2), d = __shfl_xor_sync(~0u, high ? w[1] : w[3], 2);
  (high ? w[0] : w[2]) = c;
  (high ? w[1] : w[3]) = d;
}

template <class Y>
__device__ inline float2 load_pair(const Y* p) {
  if constexpr (sizeof(Y) == 4) {
    return *reinterpret_cast<const float2*>(p);
  } else {
    const uint32_t pair = *reinterpret_cast<const uint32_t*>(p);
    const Y low{static_cast<uint16_t>(pair)}, high{static_cast<uint16_t>(pair >> 16)};
    return {as_float(low), as_float(high)};
  }
}

/// Stores a warp's 16 rows, of which `row` is this lane's first, from column `column` on.
template <class Y>
__device__ void store(const Result<Y>& y, const float (&sum)[64], int64_t row, int64_t column) {
  constexpr int kQuad = 4, kGroup = 8;
  const int t = threadIdx.x % kQuad;
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    const int64_t r = row + 8 * h;
    const bool inside = r < y.c.rows;
#pragma unroll
    for (int first = 0; first < kTile / kGroup; first += kQuad) {
      uint32_t words[kQuad];
#pragma unroll
      for (int j = 0; j < kQuad; ++j) {
        const int64_t c = column + kGroup * (first + j) + 2 * t;
        float2 v = {sum[4 * (first + j) + 2 * h], sum[4 * (first + j) + 2 * h + 1]};
        const auto plus = [&](const Y* p) {
          const float2 more = load_pair(p);
          v = {v.x + more.x, v.y + more.y};
        };
        const bool here = inside && c < y.c.cols;
        if (y.bias && here) plus(y.bias + c);
        if (y.add.data && here) plus(y.add.row(r) + c);
        if constexpr (sizeof(Y) == 4) {
          if (here) *reinterpret_cast<float2*>(y.c.row(r) + c) = v;
        } else {
          words[j] = pack_pair<Y>(v.x, v.y);
        }
      }
      if constexpr (sizeof(Y) == 2) {  // each lane has four times two columns: made eight that are neighbours
        turn_quad(words);
        const int64_t c = column + kGroup * (first + t);
        if (inside && c < y.c.cols)
          *reinterpret_cast<uint4*>(y.c.row(r) + c) = make_uint4(words[0], words[1], words[2], words[3]);
      }
    }
  }
}

[[maybe_unused]] __device__ inline void fail(const Failure& failure) {
  *failure.on_card = 1;
  *failure.on_host = 1;
  __threadfence_system();
}

template <class T, class Y, bool kATurned, bool kBTurned>
__global__ void __launch_bounds__(kOwnProductThreads, 2)
    own_product_kernel(const __grid_constant__ TensorMap a, const __grid_constant__ TensorMap b, Result<Y> y, int steps,
                       int across, Failure failure) {
#if defined(CW_CUDA_EMULATED) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
  CW_SHARED(uint64_t, full, [kStages]);
  CW_SHARED(uint64_t, empty, [kStages]);
  CW_SHARED_DYNAMIC(unsigned char, buffer);
  unsigned char* stages = buffer + (-shared_address(buffer) & (kAtom - 1));
  const int thread = static_cast<int>(threadIdx.x), tile = static_cast<int>(blockIdx.x);
  const int row = tile / across * kTile, column = tile % across * kTile;
  if (thread == 0) {
    for (int s = 0; s < kStages; ++s) {
      init_barrier(&full[s], 1);
      init_barrier(&empty[s], kConsumers * kWarpgroup / kWarp);
    }
    publish_barriers();
  }
  const bool failed = *failure.on_card != 0;
  __syncthreads();
  if (failed) return;

  if (thread >= kConsumers * kWarpgroup) {
    if (thread % kWarp != 0) return;
    const auto copy_side = [&](unsigned char* to, const TensorMap& map, bool turned, int first, int term, uint64_t* barrier) {
      if (!turned) return copy_tile(to, map, term, first, barrier);
      copy_tile(to, map, first, term, barrier);
      copy_tile(to + kHalf, map, first + kTile / 2, term, barrier);
    };
    for (int step = 0; step < steps; ++step) {
      const int s = step % kStages, round = step / kStages;
      if (round > 0 && !wait(&empty[s], (round - 1) & 1)) return fail(failure);
      unsigned char* to = stages + s * 2 * kSide;
      arrive_expecting(&full[s], 2 * kSide);
      copy_side(to, a, kATurned, row, step * kDepth, &full[s]);
      copy_side(to + kSide, b, kBTurned, column, step * kDepth, &full[s]);
    }
    return;
  }

  const int consumer = thread / kWarpgroup, warp = thread % kWarpgroup / kWarp, lane = thread % kWarp;
  // From a step of 16 terms to the next: along a row, or so many rows of 128 bytes.
  constexpr uint32_t kATerms = kProductTerms * (kATurned ? 128 : 2), kBTerms = kProductTerms * (kBTurned ? 128 : 2);
  WarpgroupProduct<T, kATurned, kBTurned> product;
  bool in_time = true;
  for (int step = 0; step < steps; ++step) {
    const int s = step % kStages;
    // Of the whole warp: its products are its lanes' together, and lanes may find a barrier open in different turns.
    in_time = __all_sync(kWholeWarp, wait(&full[s], step / kStages & 1));
    if (!in_time) break;
    const uint32_t begin = shared_address(stages + s * 2 * kSide), a_at = begin + consumer * kHalf, b_at = begin + kSide;
    product.fence();
#pragma unroll
    for (int k = 0; k < kDepth / kProductTerms; ++k)
      product.multiply_add(matrix_descriptor(a_at + k * kATerms, kAtom, kHalf),
                           matrix_descriptor(b_at + k * kBTerms, kAtom, kHalf), step > 0 || k > 0);
    product.commit();
    if (step == 0) continue;
    product.template wait<1>();  // the step before has been multiplied
    if (lane == 0) arrive(&empty[(step - 1) % kStages]);
  }
  product.template wait<0>();
  if (!in_time) return fail(failure);
  store(y, product.sum, row + consumer * kProductRows + warp * 16 + lane / 4, column);
#endif
}

}  // namespace

const size_t kOwnProductShared = kStages * 2 * kSide + kAtom;

void own_product(cudaStream_t stream, const OwnProduct& p, const Failure& failure) {
  const int64_t terms = p.a_turned ? p.a.rows : p.a.cols;
  const auto steps = static_cast<int>(ceil_div(terms, kDepth)), across = static_cast<int>(ceil_div(p.c.cols, kTile));
  const TensorMap a = tensor_map(p.a, p.a_turned ? kDepth : kTile), b = tensor_map(p.b, p.b_turned ? kTile : kDepth);
  const auto put = [&]<class T, class Y, bool kATurned, bool kBTurned>() {
    const Result<Y> y{.c = view<Y>(p.c), .add = view<const Y>(p.add), .bias = p.bias.as<const Y>()};
    const unsigned tiles = blocks_for(p.c.rows, kTile) * static_cast<unsigned>(across);
    launch(stream, {"own_product", tiles, kOwnProductThreads, kOwnProductShared}, own_product_kernel<T, Y, kATurned, kBTurned>,
           a, b, y, steps, across, failure);
  };
  const auto by_side = [&]<class T, class Y>() {
    // A right side as the kernel has it is turned where its terms do not lie along its rows.
    if (p.a_turned)
      p.b_turned ? put.template operator()<T, Y, true, false>() : put.template operator()<T, Y, true, true>();
    else
      p.b_turned ? put.template operator()<T, Y, false, false>() : put.template operator()<T, Y, false, true>();
  };
  const auto by_output = [&]<class T>() {
    p.c.dtype == DType::f32 ? by_side.template operator()<T, float>() : by_side.template operator()<T, T>();
  };
  p.a.dtype == DType::bf16 ? by_output.template operator()<bf16>() : by_output.template operator()<f16>();
}

}  // namespace cw
