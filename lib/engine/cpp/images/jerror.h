// Included by TensorFlow's headers and not needed by them: see jpeglib.h.

#pragma once
