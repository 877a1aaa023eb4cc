# The CUDA half of a build: the toolkit's compiler, for our kernels, and its runtime library.  The other
# CUDA libraries are libtorch's own: `pip install torch` puts them beside it, and it finds them itself.
if(NOT EXISTS ${TUNEWRIGHT_TORCH_DIR}/lib/libtorch_cuda.so)
  message(FATAL_ERROR "TUNEWRIGHT_CUDA is ON but ${TUNEWRIGHT_TORCH_DIR} holds a CPU build of torch")
endif()
file(STRINGS ${TUNEWRIGHT_TORCH_DIR}/version.py _cuda REGEX "^cuda:")
string(REGEX MATCH "[0-9]+\\.[0-9]+" _torch_cuda "${_cuda}")
string(REGEX MATCH "^[0-9]+" _torch_cuda_major "${_torch_cuda}")

# Not only what stands in PATH: the toolkit's usual places too.
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  find_program(TUNEWRIGHT_NVCC nvcc
    HINTS ENV CUDA_HOME ENV CUDA_PATH PATHS /usr/local/cuda /usr/local/cuda-${_torch_cuda} PATH_SUFFIXES bin)
  if(NOT TUNEWRIGHT_NVCC)
    message(FATAL_ERROR "TUNEWRIGHT_CUDA is ON but no nvcc is in PATH, CUDA_HOME or /usr/local/cuda; "
      "install the CUDA toolkit ${_torch_cuda}, which this torch was made with")
  endif()
  set(CMAKE_CUDA_COMPILER ${TUNEWRIGHT_NVCC})
endif()

# Machine code for each generation that the toolkit knows of, and PTX for those to come.  Set before
# the language is enabled: CMake would put the compiler's default there.
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90)
endif()
set(CMAKE_CUDA_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
set(CMAKE_CUDA_RUNTIME_LIBRARY None)  # linked as CUDA::cudart: CMake 3.25 does not find the folders of a toolkit 13
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 17)  # the newest that CMake 3.25 knows of nvcc; after the language, whose first test knows none
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
find_package(CUDAToolkit REQUIRED)
string(REGEX MATCH "^[0-9]+" _toolkit_major "${CMAKE_CUDA_COMPILER_VERSION}")
if(NOT _toolkit_major STREQUAL _torch_cuda_major)
  message(FATAL_ERROR "torch in ${TUNEWRIGHT_TORCH_DIR} is made for CUDA ${_torch_cuda}, but the toolkit of "
    "${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}: both must have the same first number; "
    "set CUDACXX to the nvcc of a CUDA ${_torch_cuda_major} toolkit, or install torch for CUDA ${_toolkit_major}")
endif()
