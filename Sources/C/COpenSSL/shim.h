#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

/// Whether memory is short, or was, as an error of this thread's queue says: not all that libcrypto
/// does for want of memory is an error there. Empties the queue.
static inline int copenssl_memory_is_short(void) {
  // More than any verification needs.
  void *memory = OPENSSL_malloc(256 * 1024);
  int is_short = memory == NULL;
  OPENSSL_free(memory);
  for (unsigned long error; (error = ERR_get_error()) != 0;) {
    if (ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE) is_short = 1;
  }
  return is_short;
}
