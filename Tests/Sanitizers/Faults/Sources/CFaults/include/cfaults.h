#ifndef CFAULTS_H
#define CFAULTS_H

#include <limits.h>

/* Compiled with the Swift code that calls it, as the inline functions of our headers are. */
static inline int cfaults_overflow_in_header(int more_than_none) { return INT_MAX + more_than_none; }

int cfaults_overflow_in_source(int more_than_none);

int cfaults_use_after_free(void);

#endif
