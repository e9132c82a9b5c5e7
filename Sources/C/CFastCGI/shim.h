#include <fastcgi.h>
#include <fcgi_config.h>
#include <fcgiapp.h>

// The library does not tell its version.
static inline const char *cfastcgi_build_version(void) { return PACKAGE_VERSION; }
