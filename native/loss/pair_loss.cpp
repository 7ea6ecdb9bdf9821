#include "loss/pair_loss.h"

#include "core/error.h"
#include "core/names.h"
#include "loss/distill.h"
#include "loss/info_nce.h"
#include "loss/siglip.h"

namespace cw {
namespace {

using Make = std::unique_ptr<PairLoss> (*)(const PairLossSpec& spec);

constexpr Named<Make> kKinds[] = {{"infonce", make_info_nce}, {"siglip", make_siglip}, {"distill", make_distill}};

}  // namespace

const std::string& PairLossSpec::option(const std::string& name) const {
  const auto found = options.find(name);
  if (found == options.end()) throw Error(Code::invalid_argument, "loss." + name + ": expected a string");
  return found->second;
}

std::unique_ptr<PairLoss> make_pair_loss(const PairLossSpec& spec) { return named(kKinds, spec.kind, "loss.kind")(spec); }

}  // namespace cw
