// patchify: a thread takes some pixels of one patch row, with all their channels, so that a warp reads whole stretches of
// an image and writes whole stretches of a patch.
#include "ops/cuda/backend.h"
#include "ops/cuda/device/elements.cuh"
#include "ops/cuda/device/reduce.cuh"
#include "ops/cuda/launch.h"

namespace cw {
namespace {

constexpr int kThreads = 256;

/// Where patches lie in images.
struct Grid {
  const int32_t* wanted;  // null: all
  unsigned patches, across;  // of an image; of a row of them
  int patch;                 // pixels of an edge
  int64_t height, width;

  struct Place {
    int64_t image, top, left;
  };
  /// Patches are numbered in i32.
  __device__ Place of(int64_t row) const {
    const auto number = static_cast<unsigned>(wanted ? wanted[row] : row), inside = number % patches;
    return {number / patches, int64_t{inside / across} * patch, int64_t{inside % across} * patch};
  }
};

/// (byte/255 - mean)/std as byte·scale + shift.
struct Normalisation {
  float scale[3], shift[3];
};

struct alignas(8) Bytes {
  uint8_t v[8];
};

/// v[channel][pixel] of n pixels in a row, interleaved bytes. n is 1, or kRun and the address a multiple of 8.
template <int n>
__device__ inline void load_pixels(const uint8_t* image, const Grid& grid, const Normalisation& by, int64_t row, int64_t col,
                                   float (&v)[3][n]) {
  const uint8_t* from = image + (row * grid.width + col) * 3;
  if constexpr (n == 1) {
#pragma unroll
    for (int c = 0; c < 3; ++c) v[c][0] = static_cast<float>(from[c]);
  } else {
    const auto* wide = reinterpret_cast<const Bytes*>(from);
    const Bytes bytes[3] = {wide[0], wide[1], wide[2]};
#pragma unroll
    for (int i = 0; i < 3 * n; ++i) v[i % 3][i / 3] = static_cast<float>(bytes[i / 8].v[i % 8]);
  }
#pragma unroll
  for (int c = 0; c < 3; ++c)
#pragma unroll
    for (float& x : v[c]) x = fmaf(x, by.scale[c], by.shift[c]);
}

/// The same from planes of floats, which are taken as they are. n is 1, or kRun and the address a multiple of 16.
template <int n>
__device__ inline void load_pixels(const float* image, const Grid& grid, const Normalisation&, int64_t row, int64_t col,
                                   float (&v)[3][n]) {
#pragma unroll
  for (int c = 0; c < 3; ++c) {
    const float* from = image + (c * grid.height + row) * grid.width + col;
    if constexpr (n == 1)
      v[c][0] = *from;
    else
      load_run(from, kRun, true, v[c]);
  }
}

/// n pixels at a time. Block: pixels of a patch, patches.
template <class X, class T, int n>
__global__ void patchify_kernel(View<const X> images, Grid grid, Normalisation by, View<T> y) {
  const int64_t row = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y;
  if (row >= y.rows) return;
  const Grid::Place place = grid.of(row);
  const int area = grid.patch * grid.patch;
  for (int p = static_cast<int>(threadIdx.x) * n; p < area; p += static_cast<int>(blockDim.x) * n) {
    float v[3][n];
    load_pixels(images.row(place.image), grid, by, place.top + p / grid.patch, place.left + p % grid.patch, v);
#pragma unroll
    for (int c = 0; c < 3; ++c) {
      T* const to = y.row(row) + static_cast<int64_t>(c) * area + p;
      if constexpr (n == 1)
        *to = from_float<T>(v[c][0]);
      else
        store_run(to, kRun, true, v[c]);
    }
  }
}

template <class X>
void put_on(cudaStream_t stream, const Patchify& op) {
  const int64_t across = op.width / op.patch;
  const Grid grid{.wanted = op.patches.as<int32_t>(),
                  .patches = static_cast<unsigned>(across * (op.height / op.patch)),
                  .across = static_cast<unsigned>(across),
                  .patch = static_cast<int>(op.patch),
                  .height = op.height,
                  .width = op.width};
  Normalisation by{};
  for (size_t c = 0; c < 3; ++c) {
    by.scale[c] = 1.0f / (255.0f * op.std[c]);
    by.shift[c] = -op.mean[c] / op.std[c];
  }
  // With edges of patches and pictures that are multiples of kRun, every run of pixels starts at a multiple of 8 bytes, or 16 of floats.
  const bool runs = op.patch % kRun == 0 && op.width % kRun == 0 && reinterpret_cast<uintptr_t>(op.images.data) % 16 == 0 && rows_aligned(op.y);
  const int64_t steps = ceil_div(op.patch * op.patch, runs ? kRun : 1);
  const auto x = static_cast<unsigned>(steps < kThreads ? ceil_div(steps, kWarp) * kWarp : kThreads);
  const unsigned rows = kThreads / x;
  by_type(op.y.dtype, [&]<class T>() {
    launch(stream, {"patchify", blocks_for(op.y.rows, rows), {x, rows}},
           runs ? patchify_kernel<X, T, kRun> : patchify_kernel<X, T, 1>, view<const X>(op.images), grid, by, view<T>(op.y));
  });
}

}  // namespace

void CudaBackend::execute(const Patchify& op) {
  op.images.dtype == DType::u8 ? put_on<uint8_t>(stream(), op) : put_on<float>(stream(), op);
}

}  // namespace cw
