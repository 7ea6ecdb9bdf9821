// Programs linked here run their constructors through glibc 2.34 and newer. Older ones expect a function for that from the
// program's start files, which those of a newer system do not have any more: there nothing is constructed when main begins.
extern "C" {
using Constructor = void (*)(int, char**, char**);
extern __attribute__((visibility("hidden"))) Constructor __init_array_start[];
extern __attribute__((visibility("hidden"))) Constructor __init_array_end[];

static bool constructed = false;
static __attribute__((constructor)) void construct() { constructed = true; }

int __real_main(int argc, char** argv, char** environment);
int __wrap_main(int argc, char** argv, char** environment) {
  if (!constructed)
    for (Constructor* c = __init_array_start; c < __init_array_end; ++c) (*c)(argc, argv, environment);
  return __real_main(argc, argv, environment);
}
}
