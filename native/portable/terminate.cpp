// What libstdc++ calls over an exception that nobody caught. Its own version carries a demangler of 57 KB for one word of the
// message into everything that is linked with a libstdc++ of its own.
#include <cstdio>
#include <cstdlib>
#include <exception>

namespace __gnu_cxx {

void __verbose_terminate_handler() {
  const char* what = "no exception, or one without a message";
  std::exception_ptr current = std::current_exception();
  try {
    if (current) std::rethrow_exception(current);
  } catch (const std::exception& e) {
    what = e.what();  // stays alive with `current`
  } catch (...) {
  }
  std::fprintf(stderr, "clipwright: nobody caught an exception: %s\n", what);
  std::abort();
}

}  // namespace __gnu_cxx
