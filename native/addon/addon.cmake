# The Node-API module. Headers come from the packages node-addon-api and node-api-headers.
execute_process(
  COMMAND node -p "[require('node-api-headers').include_dir, require('node-addon-api').include.replace(/\"/g,'')].join(';')"
  WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE napi_include OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(GLOB addon_sources CONFIGURE_DEPENDS native/addon/*.cpp)
add_library(clipwright MODULE ${addon_sources})
target_include_directories(clipwright PRIVATE ${napi_include})
# SWALLOW…: a thread that is being terminated takes no exceptions any more, and without it that ends the process.
target_compile_definitions(clipwright PRIVATE NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(clipwright PRIVATE cw_engine cw_image cw_ops_cuda)
# nodelete: Node unmaps an addon that only a worker loaded when that worker ends, while our threads may still be leaving.
target_link_options(clipwright PRIVATE -Wl,-z,nodelete -Wl,--gc-sections)
set_target_properties(clipwright PROPERTIES PREFIX "" SUFFIX ".node"
  LIBRARY_OUTPUT_DIRECTORY ${CMAKE_SOURCE_DIR}/build/Release BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
get_target_property(dnnl_file DNNL::dnnl LOCATION)
get_filename_component(dnnl_file ${dnnl_file} REALPATH)
execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libgomp.so.1 OUTPUT_VARIABLE gomp_file OUTPUT_STRIP_TRAILING_WHITESPACE)
add_custom_command(TARGET clipwright POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${dnnl_file} $<TARGET_FILE_DIR:clipwright>/libdnnl.so.3
  COMMAND ${CMAKE_COMMAND} -E copy_if_different ${gomp_file} $<TARGET_FILE_DIR:clipwright>/libgomp.so.1)
