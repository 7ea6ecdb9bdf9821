// The sigmoid loss: what a pair costs and weighs, and as a rule of the sweeps over pairs.
#pragma once
#include "ops/cuda/device/approximate.cuh"
#include "ops/cuda/device/pair_lines.cuh"
#include "ops/ops.h"

namespace cw {

/// Of a pair's logit, turned round for one's own pair.
struct SigmoidPair {
  float loss, sigmoid;  // softplus(x), and its derivative
};

/// With t = exp(-|x|) nothing overflows, and nothing is lost where the loss is small: log(1+t) = 2·artanh(t / (2+t)), whose
/// argument is at most 1/3, so that seven terms are exact to f32. One reciprocal serves both.
__device__ inline SigmoidPair sigmoid_pair(float x) {
  const float t = exp2_approximate(-kPerLog2 * fabsf(x));
  const float both = reciprocal_approximate((1 + t) * (2 + t));
  const float s = t * (1 + t) * both, square = s * s;
  float series = fmaf(1.0f / 13, square, 1.0f / 11);
  series = fmaf(series, square, 1.0f / 9);
  series = fmaf(series, square, 1.0f / 7);
  series = fmaf(series, square, 1.0f / 5);
  series = fmaf(series, square, 1.0f / 3);
  series = fmaf(series, square, 1.0f);
  return {fmaf(2 * s, series, fmaxf(x, 0.0f)), (x < 0 ? t : 1.0f) * (2 + t) * both};
}

/// A pair that counts: its part of the loss, and of the logit's gradient.
__device__ inline SigmoidPair sigmoid_pair(float logit, bool own) {
  const SigmoidPair pair = sigmoid_pair(own ? -logit : logit);
  return {pair.loss, own ? -pair.sigmoid : pair.sigmoid};
}

/// What a sweep sums up besides: dlogit_scale, dlogit_bias, loss.
inline constexpr int kSigmoidSums = 3;

struct SigmoidGradients {
  const float *logit_scale, *logit_bias, *loss_scale;  // logit_bias, loss_scale: null, or what logits are moved and gradients multiplied by
  float of_loss;

  class Weights {
   public:
    static constexpr int kSums = kSigmoidSums;
    struct Line {};
    __device__ explicit Weights(const SigmoidGradients& rule)
        : rule_(rule), scale_(expf(*rule.logit_scale)), bias_(rule.logit_bias ? *rule.logit_bias : 0.0f) {}
    __device__ Line row(int) const { return {}; }
    __device__ Line col(int) const { return {}; }
    __device__ float of(Line, Line, float dot, bool own, float (&sums)[kSums]) const {
      const SigmoidPair pair = sigmoid_pair(fmaf(scale_, dot, bias_), own);
      sums[0] = fmaf(pair.sigmoid, dot, sums[0]);
      sums[1] += pair.sigmoid;
      sums[2] += pair.loss;
      return pair.sigmoid;
    }
    __device__ float factor() const { return scale_ * factor(1); }
    __device__ float factor(int sum) const {
      const float of_gradients = rule_.loss_scale ? rule_.loss_scale[static_cast<int>(LossScale::value)] : 1.0f;
      return rule_.of_loss * (sum == 0 ? scale_ * of_gradients : sum == 1 ? of_gradients : 1.0f);
    }

   private:
    const SigmoidGradients& rule_;
    const float scale_, bias_;
  };
};

}  // namespace cw
