#include "core/error.h"
#include "test/conformance/conformance.h"
#include "test/conformance/derivative.h"
#include "test/conformance/packed.h"

namespace cw::test {
namespace {

/// Which rows ask: all, the last of each sequence, the first, the middle and the last, or the last of every other sequence.
enum class Ask { all, last, some, sparse };

/// Values that filler rows hold where nobody may read them.
constexpr double kGarbage = 1e4;

struct AttentionShape {
  Lengths lengths{1};
  int64_t heads = 1, head = 8;
  bool causal = false;
  Ask ask = Ask::all;
  DType type = DType::f32;
  bool lse = true;
  int64_t slack = 0;  // by how much max_length exceeds the longest
  int64_t filler = 0;
  float drop = 0;

  int64_t width() const { return heads * head; }
  int64_t real_tokens() const { return tokens_in(lengths); }
  int64_t tokens() const { return real_tokens() + filler; }

  std::string name(const char* op) const {
    constexpr const char* kAsked[] = {"", "_ask_last", "_ask_some", "_ask_sparse"};
    const char* asked = kAsked[static_cast<int>(ask)];
    return std::string(op) + joined(lengths) + "_heads" + std::to_string(heads) + "x" + std::to_string(head) + "_" +
           name_of(type) + (causal ? "_causal" : "") + asked + (lse ? "" : "_without_lse") + (slack ? "_slack" : "") +
           (filler ? "_filler" : "") + (drop > 0 ? "_drop" + std::to_string(static_cast<int>(1000 * drop)) : "");
  }

  /// Asked-for rows of each sequence, in packed order.
  std::vector<std::vector<int32_t>> asked() const {
    std::vector<std::vector<int32_t>> all;
    const std::vector<int32_t> offsets = offsets_of(lengths);
    for (size_t s = 0; s < lengths.size(); ++s) {
      const int32_t first = offsets[s], n = lengths[s];
      std::vector<int32_t> rows;
      if (n > 0 && (ask == Ask::last || (ask == Ask::sparse && s % 2 == 1))) rows = {first + n - 1};
      if (n > 0 && ask == Ask::some) rows = {first, first + n / 2, first + n - 1};
      rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
      all.push_back(rows);
    }
    return all;
  }
  int64_t real_queries() const {
    if (ask == Ask::all) return real_tokens();
    int64_t n = 0;
    for (const auto& rows : asked()) n += static_cast<int64_t>(rows.size());
    return n;
  }
  int64_t queries() const { return real_queries() + filler; }

  template <class Op>
  void describe(Rig& rig, Op& op) const {
    op.sequences = put_sequences(rig, lengths);
    op.sequences.max_length += slack;
    op.heads = heads;
    op.causal = causal;
    if (drop > 0) op.drop = put_drop(rig, drop);
    if (ask == Ask::all) return;
    std::vector<int32_t> offsets{0}, positions;
    for (const auto& rows : asked()) {
      positions.insert(positions.end(), rows.begin(), rows.end());
      offsets.push_back(static_cast<int32_t>(positions.size()));
    }
    positions.resize(static_cast<size_t>(queries()), 0);
    op.queries = {.offsets = rig.ints("queries.offsets", offsets),
                  .positions = rig.ints("queries.positions", positions),
                  .max_per_sequence = ask == Ask::some ? 3 : 1};
  }

  /// q, k and v are columns of one tensor when every row asks; else q stands alone.
  template <class Op>
  void put_inputs(Rig& rig, Op& op) const {
    const Fill fill{.real_rows = real_tokens(), .filler = kGarbage};
    const Tensor qkv = rig.in("qkv", tokens(), 3 * width(), type, fill);
    op.k = qkv.col_range(width(), width());
    op.v = qkv.col_range(2 * width(), width());
    op.q = ask == Ask::all ? qkv.col_range(0, width())
                           : rig.in("q", queries(), width(), type, {.real_rows = real_queries(), .filler = kGarbage});
  }
};

struct AttentionCase : AttentionShape {
  std::string name() const { return AttentionShape::name("attention"); }
  void run(Rig& rig) const {
    Attention op;
    describe(rig, op);
    put_inputs(rig, op);
    const int64_t terms = longest(lengths) + head;
    op.y = rig.out("y", queries(), width(), type,
                   {.terms = terms, .roundings = 1, .storage = type, .zero_past_rows = true});
    if (lse) op.lse = rig.out("lse", heads, queries(), DType::f32, {.terms = terms, .zero_past_rows = true});
    rig.run(&Ops::attention, op);
  }
};

struct AttentionGradCase : AttentionShape {
  std::string name() const { return AttentionShape::name("attention_grad"); }
  void run(Rig& rig) const {
    AttentionGrad op;
    describe(rig, op);
    put_inputs(rig, op);
    put_forward(rig, op);
    op.dy = rig.in("dy", queries(), width(), type, {.real_rows = real_queries(), .filler = kGarbage});
    // p, dp and the logits' gradient pass through x's type. A token alone has terms of size 1 that cancel.
    const Tolerance sum{.terms = longest(lengths) + head, .roundings = 2, .storage = type,
                        .magnitude = longest(lengths) == 1 ? 1.0 : 0.0, .zero_past_rows = true};
    const Tensor dqkv = rig.out("dqkv", tokens(), 3 * width(), type, sum);
    op.dq = dqkv.col_range(0, width());
    op.dk = dqkv.col_range(width(), width());
    op.dv = dqkv.col_range(2 * width(), width());
    if (ask != Ask::all) {
      op.dq = rig.out("dq", queries(), width(), type, sum);
      rig.run(&Ops::fill, {.y = dqkv.col_range(0, width())});  // nobody else writes these columns
    }
    rig.run(&Ops::attention_grad, op);
  }

 private:
  /// y and lse as the reference gives them: the same inputs for every backend.
  void put_forward(Rig& rig, AttentionGrad& op) const {
    Rig plain(shared_backend("reference"));
    Attention forward;
    describe(plain, forward);
    put_inputs(plain, forward);
    forward.y = plain.between("y", queries(), width(), type);
    forward.lse = plain.between("lse", heads, queries(), DType::f32);
    plain.run(&Ops::attention, forward);
    const auto copy = [&](const char* name, const Tensor& t) {
      const std::vector<double> values = plain.read(t);
      return rig.in(name, t.rows, t.cols, t.dtype,
                    [&](int64_t r, int64_t c) { return values[static_cast<size_t>(r * t.cols + c)]; });
    };
    op.y = copy("y", forward.y);
    op.lse = copy("lse", forward.lse);
  }
};

std::vector<AttentionShape> shapes() {
  std::vector<AttentionShape> all;
  const Lengths mixed{7, 0, 13, 1, 64, 0};
  for (const DType type : kActivationTypes) {
    for (const bool causal : {false, true}) {
      for (const int64_t head : {8, 16, 32, 64, 80, 96, 128})
        all.push_back({.lengths = {5, 20}, .heads = 2, .head = head, .causal = causal, .type = type});
      all.push_back({.lengths = {1}, .head = 64, .causal = causal, .type = type});
      all.push_back({.lengths = {1, 1, 1}, .heads = 3, .head = 16, .causal = causal, .type = type});
      all.push_back({.lengths = {0, 0, 5}, .heads = 1, .head = 8, .causal = causal, .type = type, .filler = 1});
      all.push_back({.lengths = {97, 96, 95}, .heads = 2, .head = 16, .causal = causal, .type = type});
      all.push_back({.lengths = {300}, .heads = 1, .head = 64, .causal = causal, .type = type});
      all.push_back({.lengths = {257, 1, 0, 77, 50}, .heads = 2, .head = 32, .causal = causal, .type = type, .slack = 9,
                     .filler = 5});
      for (const Ask ask : {Ask::all, Ask::last, Ask::some})
        for (const int64_t filler : {0, 7})
          all.push_back({.lengths = mixed, .heads = 3, .head = 16, .causal = causal, .ask = ask, .type = type,
                         .filler = filler});
      all.push_back({.lengths = {197, 300, 2}, .heads = 2, .head = 64, .causal = causal, .ask = Ask::some,
                     .type = type, .filler = 2});
      all.push_back({.lengths = {13, 64}, .heads = 2, .head = 64, .causal = causal, .ask = Ask::last, .type = type,
                     .slack = 300});
      all.push_back({.lengths = {13, 7, 33, 64, 70}, .heads = 2, .head = 16, .causal = causal, .ask = Ask::sparse, .type = type});
      all.push_back({.lengths = {13, 7}, .heads = 5, .head = 7, .causal = causal, .type = type});
      all.push_back({.lengths = {5, 9}, .heads = 4, .head = 1, .causal = causal, .type = type});
    }
  }
  // Around the edges of the 16-row pieces and 32- or 64-row tiles of a card's kernels, for each width that heads are padded to.
  for (const DType type : {DType::bf16, DType::f16}) {
    const bool causal = type == DType::f16;
    for (const int64_t head : {31, 64, 80, 128})
      all.push_back({.lengths = {33, 1, 17}, .heads = 2, .head = head, .causal = causal, .type = type});
    for (const Ask ask : {Ask::all, Ask::some})
      all.push_back({.lengths = {0, 1, 15, 16, 17, 64, 65}, .heads = 1, .head = 64, .causal = !causal, .ask = ask, .type = type,
                     .filler = 3});
    for (const int64_t head : {96, 128})  // more keys than a block holds
      all.push_back({.lengths = {77, 2}, .heads = 1, .head = head, .causal = causal, .type = type, .filler = 1});
    all.push_back({.lengths = {77, 50}, .heads = 2, .head = 64, .causal = !causal, .type = type});
    all.push_back({.lengths = {197}, .heads = 1, .head = 13, .causal = causal, .type = type, .slack = 60});
  }
  // Where a card with enough shared memory takes one backward kernel for a whole sequence, and just beyond.
  for (const DType type : {DType::bf16, DType::f16}) {
    const bool causal = type == DType::f16;
    for (const int32_t length : {97, 128, 129, 197, 256, 257, 272, 273, 288, 289})
      all.push_back({.lengths = {length}, .heads = 1, .head = 64, .causal = causal, .type = type});
    for (const int32_t length : {128, 257})
      all.push_back({.lengths = {length}, .heads = 1, .head = 64, .causal = !causal, .type = type});
    for (const int64_t head : {32, 52, 96, 128})
      all.push_back({.lengths = {257}, .heads = 1, .head = head, .causal = causal, .type = type});
    for (const bool both : {false, true})
      all.push_back({.lengths = {16, 257, 0, 272, 1, 100, 33}, .heads = 2, .head = 64, .causal = both, .type = type,
                     .filler = 40});
    for (const Ask ask : {Ask::last, Ask::some, Ask::sparse})
      all.push_back({.lengths = {97, 261, 0, 7, 131}, .heads = 1, .head = 64, .causal = causal, .ask = ask, .type = type,
                     .filler = 2});
    for (const int64_t head : {7, 24})  // rows whose runs are not aligned; a padded width
      all.push_back({.lengths = {258, 140}, .heads = 1, .head = head, .causal = !causal, .type = type});
  }
  // What is left out is the same in every kernel and whichever rows ask, around the edges of squares of 16.
  for (const DType type : kActivationTypes) {
    const Lengths edges{1, 0, 15, 16, 17, 33, 77};
    for (const int64_t head : {16, 64, 80, 128})
      all.push_back({.lengths = edges, .heads = 2, .head = head, .causal = head == 80, .type = type, .filler = 3,
                     .drop = 0.1f});
    for (const Ask ask : {Ask::last, Ask::some, Ask::sparse})
      all.push_back({.lengths = edges, .heads = 3, .head = 32, .causal = ask == Ask::sparse, .ask = ask, .type = type,
                     .filler = 3, .drop = 0.5f});
    all.push_back({.lengths = {130, 257}, .heads = 2, .head = 64, .type = type, .slack = 9, .drop = 0.25f});
    all.push_back({.lengths = {300, 18}, .heads = 1, .head = 48, .ask = Ask::some, .type = type, .drop = 0.25f});
  }
  return all;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const AttentionShape& s : shapes()) {
    cases.push_back(make_case(AttentionCase{s}));
    cases.push_back(make_case(AttentionGradCase{s}));
  }
  for (const DType type : kActivationTypes)
    cases.push_back(make_case(AttentionCase{{.lengths = {13, 50}, .heads = 2, .head = 32, .type = type, .lse = false}}));
  return cases;
}

INSTANTIATE_TEST_SUITE_P(attention, Conformance, on_all_backends(all_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(attention, Filler, on_all_backends(with_filler(all_cases())), case_name);

TEST(Attention, HeadsThatACardHasNoKernelForAreRefused) {
  for (const std::string& name : tested_backends()) {
    if (!name.starts_with("cuda")) continue;
    const AttentionShape wide{.lengths = {2}, .head = 129};
    for (const Case& c : {make_case(AttentionCase{wide}), make_case(AttentionGradCase{wide})}) {
      Rig rig(shared_backend(name));
      try {
        c.run(rig);
        ADD_FAILURE() << name << " was expected to refuse " << c.name;
      } catch (const Error& e) {
        EXPECT_EQ(e.code, Code::unsupported);
        EXPECT_NE(std::string(e.what()).find("at most 128 columns, got 129"), std::string::npos) << e.what();
      }
    }
  }
}

// Leaves: q, k, v.
Derivative attention_derivative(bool causal, Ask ask, float drop = 0) {
  const AttentionShape s{.lengths = {3, 0, 6, 1}, .heads = 2, .head = 5, .causal = causal, .ask = ask, .filler = 2,
                         .drop = drop};
  const auto forward = [=](Rig& rig, const Tensors& leaf, const Tensor& lse) {
    Attention op{.q = leaf[0], .k = leaf[1], .v = leaf[2], .lse = lse};
    s.describe(rig, op);
    op.y = rig.between("y", s.queries(), s.width(), DType::f32);
    rig.run(&Ops::attention, op);
    return op.y;
  };
  return {s.name("attention"),
          {{"q", s.queries(), s.width()}, {"k", s.tokens(), s.width()}, {"v", s.tokens(), s.width()}},
          [=](Rig& rig, const Tensors& leaf) -> Tensors { return {forward(rig, leaf, {})}; },
          [=](Rig& rig, const Tensors& leaf, const Tensors& dy) -> Tensors {
            AttentionGrad op{.q = leaf[0], .k = leaf[1], .v = leaf[2], .dy = dy[0]};
            s.describe(rig, op);
            op.lse = rig.between("lse", s.heads, s.queries(), DType::f32);
            op.y = forward(rig, leaf, op.lse);
            op.dq = rig.between("dq", s.queries(), s.width(), DType::f32);
            op.dk = rig.between("dk", s.tokens(), s.width(), DType::f32);
            op.dv = rig.between("dv", s.tokens(), s.width(), DType::f32);
            rig.run(&Ops::attention_grad, op);
            return {op.dq, op.dk, op.dv};
          }};
}

INSTANTIATE_TEST_SUITE_P(attention, Derivatives,
                         testing::Values(attention_derivative(false, Ask::all), attention_derivative(true, Ask::all),
                                         attention_derivative(false, Ask::some), attention_derivative(true, Ask::some),
                                         attention_derivative(false, Ask::all, 0.3f),
                                         attention_derivative(true, Ask::some, 0.3f)),
                         derivative_name);

}  // namespace
}  // namespace cw::test
