// nccl/nccl.h against the real header, where there is one.
#if __has_include(<nccl.h>)
#include <nccl.h>

#include <cstddef>

#include "ops/cuda/nccl/nccl.h"

namespace cw::nccl {
namespace {

static_assert(success == static_cast<int>(ncclSuccess) && system_error == static_cast<int>(ncclSystemError));
static_assert(remote_error == static_cast<int>(ncclRemoteError) && in_progress == static_cast<int>(ncclInProgress));
static_assert(int32 == static_cast<int>(ncclInt32) && float32 == static_cast<int>(ncclFloat32));
static_assert(sum == static_cast<int>(ncclSum) && max == static_cast<int>(ncclMax));
static_assert(sizeof(UniqueId) == sizeof(ncclUniqueId) && NCCL_VERSION_CODE >= 21400);
static_assert(offsetof(Config, blocking) == offsetof(ncclConfig_t, blocking));
static_assert(offsetof(Config, version) == offsetof(ncclConfig_t, version));

/// Whether both take as many arguments of the same sizes.
template <class A, class B>
constexpr bool called_alike = false;
template <class R, class... A, class S, class... B>
constexpr bool called_alike<R (*)(A...), S (*)(B...)> = sizeof...(A) == sizeof...(B) && ((sizeof(A) == sizeof(B)) && ...);
#define CW_COMPARE(name) static_assert(called_alike<decltype(Library::name), decltype(&nccl##name)>);
CW_FOR_EACH_NCCL_FUNCTION(CW_COMPARE)
#undef CW_COMPARE

}  // namespace
}  // namespace cw::nccl
#endif
