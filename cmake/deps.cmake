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
# Distributions (Boost.Math); headers only.
find_package(Boost REQUIRED)
pkg_check_modules(PCRE2 REQUIRED IMPORTED_TARGET libpcre2-8)
pkg_check_modules(LIBEDIT REQUIRED IMPORTED_TARGET libedit)
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(SIMDJSON REQUIRED IMPORTED_TARGET simdjson)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
# Readers of sources.
pkg_check_modules(GMIME REQUIRED IMPORTED_TARGET gmime-3.0)
pkg_check_modules(UCHARDET REQUIRED IMPORTED_TARGET uchardet)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(PQXX REQUIRED IMPORTED_TARGET libpqxx)
find_library(DIVSUFSORT_LIBRARY divsufsort REQUIRED)
pkg_check_modules(LIBPSL REQUIRED IMPORTED_TARGET libpsl)
# libphonenumber has neither a pkg-config file nor a CMake package; its headers need protobuf's.
find_library(PHONENUMBER_LIBRARY phonenumber REQUIRED)
pkg_check_modules(PROTOBUF REQUIRED IMPORTED_TARGET protobuf)
add_library(tunewright_phonenumber INTERFACE)
target_link_libraries(tunewright_phonenumber INTERFACE ${PHONENUMBER_LIBRARY} PkgConfig::PROTOBUF)
# The program's allocator: it keeps the blocks of a step for the next one, and its classes of sizes
# leave no gaps that only grow, as the C library's heap does under tensors of many sizes.
pkg_check_modules(TCMALLOC REQUIRED IMPORTED_TARGET libtcmalloc_minimal)

if(TUNEWRIGHT_TORCH_MODULES)
  # libtorch is linked by file, not by its own CMake package: that one demands the CUDA toolkit as
  # soon as the wheel is a CUDA build, while the CPU half of either build is the same.
  # OpenMP's runtime is the one that libtorch brings; a second one would double the threads.
  set(TUNEWRIGHT_TORCH_DIR "" CACHE PATH "Folder of the Python package torch (./dev sets it)")
  option(TUNEWRIGHT_CUDA "Link libtorch's CUDA half and compile our own kernels" OFF)
  file(STRINGS ${TUNEWRIGHT_TORCH_DIR}/version.py _version REGEX "__version__ = ")
  string(REGEX MATCH "[0-9]+\\.[0-9]+" Torch_VERSION "${_version}")
  if(NOT Torch_VERSION VERSION_GREATER_EQUAL 2.11)
    message(FATAL_ERROR "libtorch 2.11 or later is needed; TUNEWRIGHT_TORCH_DIR='${TUNEWRIGHT_TORCH_DIR}' has '${_version}': run ./dev build")
  endif()
  set(_libraries torch_cpu c10)
  if(TUNEWRIGHT_CUDA)
    include(${CMAKE_CURRENT_LIST_DIR}/cuda.cmake)
    list(APPEND _libraries torch_cuda c10_cuda)
  endif()
  add_library(tunewright_torch INTERFACE)
  target_include_directories(tunewright_torch SYSTEM INTERFACE
    ${TUNEWRIGHT_TORCH_DIR}/include ${TUNEWRIGHT_TORCH_DIR}/include/torch/csrc/api/include)
  file(GLOB _openmp ${TUNEWRIGHT_TORCH_DIR}/lib/libgomp*.so*)
  list(TRANSFORM _libraries REPLACE "(.+)" "${TUNEWRIGHT_TORCH_DIR}/lib/lib\\1.so")
  target_link_libraries(tunewright_torch INTERFACE -Wl,--no-as-needed ${_libraries} -Wl,--as-needed ${_openmp})
  target_compile_options(tunewright_torch INTERFACE $<$<COMPILE_LANGUAGE:C,CXX>:-fopenmp>)
  if(TUNEWRIGHT_CUDA)
    target_link_libraries(tunewright_torch INTERFACE CUDA::cudart)
  endif()
endif()

# Arrow C++ is that of the Python package pyarrow, linked by file.  Without it everything builds, and
# Parquet and Arrow files are refused with a message.
set(TUNEWRIGHT_ARROW_DIR "" CACHE PATH "Folder of the Python package pyarrow (./dev sets it); empty: none")
file(GLOB _arrow ${TUNEWRIGHT_ARROW_DIR}/libarrow.so.*)
file(GLOB _parquet ${TUNEWRIGHT_ARROW_DIR}/libparquet.so.*)
if(TUNEWRIGHT_ARROW_DIR AND _arrow AND _parquet AND NOT TUNEWRIGHT_SANITIZE)
  set(TUNEWRIGHT_ARROW ON)
  add_library(tunewright_arrow INTERFACE)
  target_include_directories(tunewright_arrow SYSTEM INTERFACE ${TUNEWRIGHT_ARROW_DIR}/include)
  target_link_libraries(tunewright_arrow INTERFACE ${_parquet} ${_arrow})
  # pyarrow's libparquet shows the OpenSSL inside it to everyone.  The system's comes first in the search
  # for symbols, or libcurl and libpq would call a mixture of both.
  target_link_options(tunewright_arrow INTERFACE LINKER:--push-state,--no-as-needed,-lssl,-lcrypto,--pop-state)
else()
  set(TUNEWRIGHT_ARROW OFF)
  message(STATUS "Without Arrow C++: Parquet and Arrow files will not be read")
endif()
