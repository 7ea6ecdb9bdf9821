// Tokens in: embeddings of captions, patches of images, and their gradients. ops.h has the letters and the rules.
#pragma once
#include <array>
#include <cstdint>

#include "core/tensor.h"
#include "ops/sequences.h"

namespace cw {

/// y[t] = table[ids[t]] + positions[position_ids[t]] + token_type; rows at and past offsets[S] are zero. token_type has no
/// gradient here: it is the column sums of dy (LinearWeightGrad's db).
struct Embed {
  Tensor ids, position_ids;  // i32 [1,T]
  Tensor table;              // f32 [V,D]
  Tensor positions;          // f32 [L,D]
  Tensor token_type;         // f32 [1,D], optional: BERT's, of which CLIP's captions have one
  Tensor y;                  // x [T,D]
  Sequences sequences;
};

/// Deterministic: the rows of one id are added in packed order. Without accumulate, untouched rows become zero.
struct EmbedGrad {
  Tensor dy;                  // x [T,D]
  Tensor ids, position_ids;   // i32 [1,T]
  Tensor dtable, dpositions;  // f32, each optional
  Sequences sequences;
  bool accumulate = false;
};

/// Patch rows of images, normalised: y[p] = ((pixel/255) - mean[c]) / std[c] for u8 [N, H·W·3] (RGB, interleaved), or the
/// values themselves for f32 [N, 3·H·W]. Row order n, patch row, patch column; column order c, y, x (as conv1.weight).
/// `patches`, if given, lists the rows wanted (n·grid + patch); else all, P = N·(H/patch)·(W/patch), rounded down: pixels at
/// the right and at the bottom that fill no patch are left out, as by a convolution without padding.
struct Patchify {
  Tensor images;
  Tensor patches;  // i32 [1,P], optional
  Tensor y;        // x [P, 3·patch²]
  int64_t height = 0, width = 0, patch = 0;
  std::array<float, 3> mean{0.48145466f, 0.4578275f, 0.40821073f};
  std::array<float, 3> std{0.26862954f, 0.26130258f, 0.27577711f};
};

/// y[t] = (source[t] < 0 ? class_embedding : patches[source[t]]) + positions[position_ids[t]]; filler rows zero.
struct VisionTokens {
  Tensor patches;               // x [P,D]
  Tensor class_embedding;       // f32 [1,D], optional where no source is below 0
  Tensor positions;             // f32 [L,D]
  Tensor source, position_ids;  // i32 [1,T]
  Tensor y;                     // x [T,D]
  Sequences sequences;
};

/// dpatches[source[t]] = dy[t] (a patch is used at most once; one that is not gets zeros); dclass and dpositions are summed in packed order.
struct VisionTokensGrad {
  Tensor dy;                    // x [T,D]
  Tensor source, position_ids;  // i32 [1,T]
  Tensor dpatches;              // x [P,D], optional
  Tensor dclass;                // f32 [1,D], optional
  Tensor dpositions;            // f32 [L,D], optional
  Sequences sequences;
  bool accumulate = false;  // concerns dclass and dpositions
};

}  // namespace cw
