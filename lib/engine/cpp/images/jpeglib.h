// What TensorFlow's headers take from libjpeg-turbo's, which its wheel lacks: the kinds of inverse cosine transform.

#pragma once

typedef enum { JDCT_ISLOW, JDCT_IFAST, JDCT_FLOAT } J_DCT_METHOD;
#define JDCT_DEFAULT JDCT_ISLOW
