#include "cfaults.h"

#include <stdlib.h>

int cfaults_overflow_in_source(int more_than_none) { return INT_MAX + more_than_none; }

int cfaults_use_after_free(void)
{
    volatile int *number = malloc(sizeof *number);
    free((void *)number);
    return *number;
}
