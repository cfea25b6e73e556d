#pragma once
/* Memory that all processes of this machine share, in a file that outlives them. */
#include <stddef.h>

/* The file of that name, made of zeros when it is not there, and at least as long as size. When it
 * cannot be had, or path is "", memory of this process alone (the log says so for a file). Never
 * NULL; given back by munmap(). What lies in it must be atomic. */
void *mapped_open(const char *path, size_t size);
