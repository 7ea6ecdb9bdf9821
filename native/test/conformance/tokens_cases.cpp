#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"
#include "test/conformance/packed.h"

namespace cw::test {
namespace {

constexpr double kGarbage = 1e4;  // in filler rows of gradients, where nobody may read it

struct Tokens {
  Lengths lengths{1};
  int64_t d = 1;
  DType type = DType::f32;
  int64_t pad = 0, filler = 0;

  int64_t real() const { return tokens_in(lengths); }
  int64_t rows() const { return real() + filler; }
  int64_t context() const { return longest(lengths) + 2; }  // rows of the positional embedding
  std::string name(const char* op) const {
    return std::string(op) + joined(lengths) + "_D" + std::to_string(d) + "_" + name_of(type) +
           (pad ? "_strided" : "") + (filler ? "_filler" : "");
  }
  Tensor put_positions(Rig& rig) const { return rig.ints("position_ids", positions_in(lengths, filler)); }
  Tensor put_gradient(Rig& rig) const {
    return rig.in("dy", rows(), d, type, {.pad = pad, .real_rows = real(), .filler = kGarbage});
  }
};

enum class Ids {
  mixed,  // few ids and many tokens: most rows of the table are hit again and again, the last one never
  same,   // one in the middle
  ends,   // the table's last row and its first in turn, and now and then one between
};

struct EmbedShape : Tokens {
  int64_t vocabulary = 5;
  Ids ids = Ids::mixed;

  std::string name(const char* op) const {
    return Tokens::name(op) + "_V" + std::to_string(vocabulary) +
           (ids == Ids::same ? "_same" : ids == Ids::ends ? "_ends" : "");
  }
  int32_t id_of(int32_t t) const {
    const auto last = static_cast<int32_t>(vocabulary - 1);
    switch (ids) {
      case Ids::mixed: return t * t * 7 % std::max(1, last);
      case Ids::same: return last / 2;
      case Ids::ends: return t % 7 == 3 ? t * 31 % last : t % 2 ? 0 : last;
    }
    return 0;
  }
  Tensor put_ids(Rig& rig) const {
    std::vector<int32_t> all;
    for (int32_t t = 0; t < rows(); ++t) all.push_back(id_of(t));
    return rig.ints("ids", all);
  }
};

struct EmbedCase : EmbedShape {
  bool token_type = false;

  std::string name() const { return EmbedShape::name("embed") + (token_type ? "_token_type" : ""); }
  void run(Rig& rig) const {
    rig.run(&Ops::embed, {.ids = put_ids(rig),
                          .position_ids = put_positions(rig),
                          .table = rig.in("table", vocabulary, d, DType::f32),
                          .positions = rig.in("positions", context(), d, DType::f32),
                          .token_type = token_type ? rig.in("token_type", 1, d, DType::f32) : Tensor{},
                          .y = rig.out("y", rows(), d, type, {.terms = 3, .zero_past_rows = true}, pad),
                          .sequences = put_sequences(rig, lengths)});
  }
};

struct EmbedGradCase : EmbedShape {
  bool table = true, positions = true, accumulate = false;

  std::string name() const {
    return EmbedShape::name("embed_grad") + (table ? "_table" : "") + (positions ? "_positions" : "") +
           (accumulate ? "_accumulate" : "");
  }
  void run(Rig& rig) const {
    EmbedGrad op{.dy = put_gradient(rig), .sequences = put_sequences(rig, lengths), .accumulate = accumulate};
    op.ids = put_ids(rig);
    op.position_ids = put_positions(rig);
    const Tolerance sum{.terms = real()};
    if (table) op.dtable = rig.sum("dtable", vocabulary, d, sum, accumulate);
    if (positions) op.dpositions = rig.sum("dpositions", context(), d, sum, accumulate);
    rig.run(&Ops::embed_grad, op);
  }
};

struct VisionShape : Tokens {
  /// Each sequence is a class token and patches from its own picture, of which every third was dropped.
  std::vector<int32_t> source() const {
    std::vector<int32_t> rows;
    int32_t patch = 0;
    for (const int32_t n : lengths)
      for (int32_t i = 0; i < n; ++i) rows.push_back(i == 0 ? -1 : (patch += patch % 3 == 1 ? 2 : 1));
    for (int64_t f = 0; f < filler; ++f) rows.push_back(f % 2 ? 0 : -1);
    return rows;
  }
  int64_t patches() const {
    int32_t most = 0;
    for (const int32_t p : source()) most = std::max(most, p);
    return most + 2;
  }
};

struct VisionTokensCase : VisionShape {
  std::string name() const { return Tokens::name("vision_tokens"); }
  void run(Rig& rig) const {
    rig.run(&Ops::vision_tokens, {.patches = rig.in("patches", patches(), d, type, {.pad = pad}),
                                  .class_embedding = rig.in("class_embedding", 1, d, DType::f32),
                                  .positions = rig.in("positions", context(), d, DType::f32),
                                  .source = rig.ints("source", source()),
                                  .position_ids = put_positions(rig),
                                  .y = rig.out("y", rows(), d, type, {.terms = 2, .zero_past_rows = true}, pad),
                                  .sequences = put_sequences(rig, lengths)});
  }
};

/// Without a class token no source is below 0.
struct PatchTokensCase {
  DType type;

  std::string name() const { return std::string("vision_tokens_without_class_") + name_of(type); }
  void run(Rig& rig) const {
    constexpr int64_t n = 3, patches = 7, d = 24;
    std::vector<int32_t> source, positions, offsets{0};
    for (int32_t s = 0; s < n; ++s) {
      for (int32_t p = 0; p < patches; ++p) source.push_back(s * patches + p), positions.push_back(p);
      offsets.push_back((s + 1) * patches);
    }
    rig.run(&Ops::vision_tokens,
            {.patches = rig.in("patches", n * patches, d, type),
             .positions = rig.in("positions", patches, d, DType::f32),
             .source = rig.ints("source", source),
             .position_ids = rig.ints("position_ids", positions),
             .y = rig.out("y", n * patches, d, type, {.terms = 2}),
             .sequences = {.offsets = rig.ints("offsets", offsets), .count = n, .max_length = patches}});
  }
};

struct VisionTokensGradCase : VisionShape {
  bool dpatches = true, dclass = true, dpositions = true, accumulate = false;

  std::string name() const {
    return Tokens::name("vision_tokens_grad") + (dpatches ? "_patches" : "") + (dclass ? "_class" : "") +
           (dpositions ? "_positions" : "") + (accumulate ? "_accumulate" : "");
  }
  void run(Rig& rig) const {
    VisionTokensGrad op{.dy = put_gradient(rig),
                        .source = rig.ints("source", source()),
                        .position_ids = put_positions(rig),
                        .sequences = put_sequences(rig, lengths),
                        .accumulate = accumulate};
    const Tolerance sum{.terms = static_cast<int64_t>(lengths.size())};
    if (dpatches) op.dpatches = rig.out("dpatches", patches(), d, type, {.exact = true}, pad);
    if (dclass) op.dclass = rig.sum("dclass", 1, d, sum, accumulate);
    if (dpositions) op.dpositions = rig.sum("dpositions", context(), d, sum, accumulate);
    rig.run(&Ops::vision_tokens_grad, op);
  }
};

std::vector<Tokens> shapes() {
  std::vector<Tokens> all;
  for (const DType type : kActivationTypes) {
    all.push_back({.lengths = {1}, .d = 1, .type = type});
    all.push_back({.lengths = {5}, .d = 7, .type = type});
    all.push_back({.lengths = {7, 0, 13}, .d = 64, .type = type, .filler = 4});
    all.push_back({.lengths = {64, 1, 5}, .d = 257, .type = type});
    all.push_back({.lengths = {50, 50, 50, 50, 50, 50, 50}, .d = 96, .type = type, .filler = 11});
    all.push_back({.lengths = {0, 0, 3}, .d = 13, .type = type, .pad = 3, .filler = 1});
  }
  return all;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const Tokens& s : shapes()) {
    for (const int64_t vocabulary : {1, 5, 257}) {
      const EmbedShape e{s, vocabulary};
      cases.push_back(make_case(EmbedCase{e}));
      cases.push_back(make_case(EmbedCase{e, true}));
      cases.push_back(make_case(EmbedGradCase{e, true, true, vocabulary == 5}));
    }
    cases.push_back(make_case(EmbedGradCase{{s, 13}, true, false, true}));
    cases.push_back(make_case(EmbedGradCase{{s, 13}, false, true, false}));
    cases.push_back(make_case(VisionTokensCase{{s}}));
    cases.push_back(make_case(VisionTokensGradCase{{s}}));
    cases.push_back(make_case(VisionTokensGradCase{{s}, true, true, true, true}));
    cases.push_back(make_case(VisionTokensGradCase{{s}, true, false, false}));
    cases.push_back(make_case(VisionTokensGradCase{{s}, false, true, false, true}));
    cases.push_back(make_case(VisionTokensGradCase{{s}, false, false, true}));
  }
  for (const DType type : kActivationTypes) cases.push_back(make_case(PatchTokensCase{type}));
  // Sums and sorts longer than one block's share; ids of one, two and three bytes.
  const Lengths many{1200, 1187};
  cases.push_back(make_case(EmbedGradCase{{{many, 8, DType::bf16}, 300, Ids::same}}));
  cases.push_back(make_case(EmbedGradCase{{{many, 3, DType::f32, 0, 9}, 257, Ids::ends}, true, false, true}));
  cases.push_back(make_case(EmbedGradCase{{{many, 1, DType::bf16}, 49408}, true, false}));
  cases.push_back(make_case(EmbedGradCase{{{{77, 77}, 1, DType::f16, 0, 3}, 70000, Ids::ends}, true, false}));
  return cases;
}

INSTANTIATE_TEST_SUITE_P(tokens, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(tokens, Filler, on_all_backends(with_filler(all_cases())), case_name);

const Tokens kSmall{.lengths = {3, 0, 5}, .d = 4, .filler = 2};

// Leaves: table, positions, token_type.
Derivative embed_derivative() {
  const EmbedShape s{kSmall, 4};
  return {"embed",
          {{"table", s.vocabulary, s.d}, {"positions", s.context(), s.d}, {"token_type", 1, s.d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", s.rows(), s.d, DType::f32);
            rig.run(&Ops::embed, {.ids = s.put_ids(rig), .position_ids = s.put_positions(rig), .table = leaf[0],
                                  .positions = leaf[1], .token_type = leaf[2], .y = y,
                                  .sequences = put_sequences(rig, s.lengths)});
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dtable = rig.between("dtable", s.vocabulary, s.d, DType::f32);
            const Tensor dpositions = rig.between("dpositions", s.context(), s.d, DType::f32);
            rig.run(&Ops::embed_grad, {.dy = dy[0], .ids = s.put_ids(rig), .position_ids = s.put_positions(rig),
                                       .dtable = dtable, .dpositions = dpositions,
                                       .sequences = put_sequences(rig, s.lengths)});
            const Tensor real = dy[0].row_range(0, s.real());  // filler rows have gradients in this harness
            const Tensor dtype = rig.between("dtoken_type", 1, s.d, DType::f32);
            rig.run(&Ops::linear_weight_grad, {.dy = real, .x = real, .db = dtype});
            return {dtable, dpositions, dtype};
          }};
}

// Leaves: patches, class_embedding, positions.
Derivative vision_tokens_derivative() {
  const VisionShape s{kSmall};
  return {"vision_tokens",
          {{"patches", s.patches(), s.d}, {"class_embedding", 1, s.d}, {"positions", s.context(), s.d}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors {
            const Tensor y = rig.between("y", s.rows(), s.d, DType::f32);
            rig.run(&Ops::vision_tokens,
                    {.patches = leaf[0], .class_embedding = leaf[1], .positions = leaf[2],
                     .source = rig.ints("source", s.source()), .position_ids = s.put_positions(rig), .y = y,
                     .sequences = put_sequences(rig, s.lengths)});
            return {y};
          },
          [=](Rig& rig, const Tensors&, const Tensors& dy) -> Tensors {
            const Tensor dpatches = rig.between("dpatches", s.patches(), s.d, DType::f32);
            const Tensor dclass = rig.between("dclass", 1, s.d, DType::f32);
            const Tensor dpositions = rig.between("dpositions", s.context(), s.d, DType::f32);
            rig.run(&Ops::vision_tokens_grad,
                    {.dy = dy[0], .source = rig.ints("source", s.source()), .position_ids = s.put_positions(rig),
                     .dpatches = dpatches, .dclass = dclass, .dpositions = dpositions,
                     .sequences = put_sequences(rig, s.lengths)});
            return {dpatches, dclass, dpositions};
          }};
}

INSTANTIATE_TEST_SUITE_P(tokens, Derivatives, testing::Values(embed_derivative(), vision_tokens_derivative()),
                         derivative_name);

}  // namespace
}  // namespace cw::test
