# Every outside dependency, in one place.  Debian 12 packages give the system libraries (the list
# that `./dev` installs is tools/debian-packages.txt); libtorch comes from the project's own .deps
# environment (pins in tools/requirements-*.txt).
find_package(PkgConfig REQUIRED)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CURL REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc)
find_package(CLI11 REQUIRED)
find_package(GTest REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
# The program's allocator: it keeps the blocks of a step for the next one, and its classes of sizes
# leave no gaps that only grow, as the C library's heap does under tensors of many sizes.
pkg_check_modules(TCMALLOC REQUIRED IMPORTED_TARGET libtcmalloc_minimal)

if(TUNEWRIGHT_TORCH_MODULES)
  # libtorch is linked by file, not by its own CMake package: that one demands the CUDA toolkit as
  # soon as the wheel is a CUDA build, while the CPU half of either build is the same.
  # OpenMP's runtime is the one that libtorch brings; a second one would double the threads.
  set(TUNEWRIGHT_TORCH_DIR "" CACHE PATH "Folder of the Python package torch (./dev sets it)")
  option(TUNEWRIGHT_CUDA "Link libtorch's CUDA half too" OFF)
  file(STRINGS ${TUNEWRIGHT_TORCH_DIR}/version.py _version REGEX "__version__ = ")
  string(REGEX MATCH "[0-9]+\\.[0-9]+" Torch_VERSION "${_version}")
  if(NOT Torch_VERSION VERSION_GREATER_EQUAL 2.11)
    message(FATAL_ERROR "libtorch 2.11 or later is needed; TUNEWRIGHT_TORCH_DIR='${TUNEWRIGHT_TORCH_DIR}' has '${_version}': run ./dev build")
  endif()
  set(_libraries torch_cpu c10)
  if(TUNEWRIGHT_CUDA)
    if(NOT EXISTS ${TUNEWRIGHT_TORCH_DIR}/lib/libtorch_cuda.so)
      message(FATAL_ERROR "TUNEWRIGHT_CUDA is ON but ${TUNEWRIGHT_TORCH_DIR} holds a CPU build of torch")
    endif()
    list(APPEND _libraries torch_cuda c10_cuda)
  endif()
  add_library(tunewright_torch INTERFACE)
  target_include_directories(tunewright_torch SYSTEM INTERFACE
    ${TUNEWRIGHT_TORCH_DIR}/include ${TUNEWRIGHT_TORCH_DIR}/include/torch/csrc/api/include)
  file(GLOB _openmp ${TUNEWRIGHT_TORCH_DIR}/lib/libgomp*.so*)
  list(TRANSFORM _libraries REPLACE "(.+)" "${TUNEWRIGHT_TORCH_DIR}/lib/lib\\1.so")
  target_link_libraries(tunewright_torch INTERFACE -Wl,--no-as-needed ${_libraries} -Wl,--as-needed ${_openmp})
  target_compile_options(tunewright_torch INTERFACE -fopenmp)
endif()
