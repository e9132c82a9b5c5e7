/* The floor that the benchmark measures against, without the program: bare verifications, the bare
 * system calls of a publish, bare processes. It also makes the benchmark's input: tokens and a
 * filled spool.
 *
 *   floor verify SECONDS THREADS              verifications of an ES512 token
 *   floor publish FOLDER SECONDS THREADS      publishes of 1,200 bytes each, below FOLDER
 *   floor respond FOLDER SOCKET THREADS       a FastCGI responder that does only these two for each
 *                                             request, until it is ended; with - in place of
 *                                             FOLDER, only the verification
 *   floor spawn COUNT THREADS                 /bin/true, started and waited for
 *   floor tokens KEY.pem COUNT IAT            compact tokens, one to a line
 *   floor fill FOLDER COUNT IAT               a spool: events in FOLDER/new and FOLDER/ids, whose
 *                                             proofs hold; prints the public key
 *
 * verify, publish and spawn print: operations, and seconds of wall, user and system time. */
#define _GNU_SOURCE 1
#include <fcgiapp.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void must(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double seconds(struct timeval t) { return t.tv_sec + t.tv_usec / 1e6; }

static atomic_long operations, next_number;
static double deadline;
static const char *folder;
static long limit;

/* Runs `body` in `threads` threads, and prints the operations and the time that they took. `who`
 * says which processes' time counts. */
static void measure(void *(*body)(void *), int threads, int who)
{
    pthread_t ids[256];
    double start = now();
    must(threads >= 1 && threads <= 256, "threads");
    for (int i = 0; i < threads; i++)
        must(pthread_create(&ids[i], NULL, body, NULL) == 0, "pthread_create");
    for (int i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    struct rusage usage;
    getrusage(who, &usage);
    printf("%ld %.6f %.6f %.6f\n", (long)operations, now() - start, seconds(usage.ru_utime),
           seconds(usage.ru_stime));
}

/* The verification */

static EVP_PKEY *key;
static unsigned char input[300], signature[200];
static size_t signature_length = sizeof signature;

static void verify_once(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(EVP_DigestVerifyInit(context, NULL, EVP_sha512(), NULL, key) == 1, "init");
    must(EVP_DigestVerify(context, signature, signature_length, input, sizeof input) == 1, "verify");
    EVP_MD_CTX_free(context);
}

static void *verify(void *unused)
{
    (void)unused;
    for (; now() < deadline; operations++)
        verify_once();
    return NULL;
}

static void prepare_verification(void)
{
    key = EVP_EC_gen("P-521");
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    must(key != NULL && EVP_DigestSignInit(context, NULL, EVP_sha512(), NULL, key) == 1
             && EVP_DigestSign(context, signature, &signature_length, input, sizeof input) == 1,
         "sign");
    EVP_MD_CTX_free(context);
}

/* The publish */

struct spool {
    int root, lock, new, ids;
};

static struct spool open_spool(void)
{
    struct spool spool = {.root = open(folder, O_RDONLY | O_DIRECTORY)};
    spool.lock = openat(spool.root, "lock", O_RDWR);
    spool.new = openat(spool.root, "new", O_RDONLY | O_DIRECTORY);
    spool.ids = openat(spool.root, "ids", O_RDONLY | O_DIRECTORY);
    must(spool.root >= 0 && spool.lock >= 0 && spool.new >= 0 && spool.ids >= 0, folder);
    return spool;
}

static void publish_once(struct spool spool)
{
    static const char line[1200] = "x";
    char path[64], name[64];
    long number = next_number++;
    snprintf(name, sizeof name, "%032ld.json", number);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = number, .l_len = 1};
    faccessat(spool.ids, name, F_OK, 0);
    int file = openat(spool.root, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
    must(file >= 0 && write(file, line, sizeof line) == sizeof line && fsync(file) == 0, "file");
    must(fcntl(spool.lock, F_OFD_SETLKW, &range) == 0, "lock");
    faccessat(spool.ids, name, F_OK, 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    must(linkat(AT_FDCWD, path, spool.new, name, AT_SYMLINK_FOLLOW) == 0 && fsync(spool.new) == 0,
         "new");
    must(linkat(AT_FDCWD, path, spool.ids, name, AT_SYMLINK_FOLLOW) == 0, "ids");
    range.l_type = F_UNLCK;
    must(fcntl(spool.lock, F_OFD_SETLK, &range) == 0, "unlock");
    close(file);
}

static void *publish(void *unused)
{
    (void)unused;
    struct spool spool = open_spool();
    for (; now() < deadline; operations++)
        publish_once(spool);
    return NULL;
}

static void make_folders(void)
{
    char path[4096];
    mkdir(folder, 0750);
    for (const char **name = (const char *[]){"new", "ids", "cur", "defer", "dead", "done", NULL}; *name;
         name++) {
        snprintf(path, sizeof path, "%s/%s", folder, *name);
        mkdir(path, 0750);
    }
    snprintf(path, sizeof path, "%s/lock", folder);
    close(open(path, O_CREAT | O_RDWR, 0640));
}

/* The responder */

static int listener;

static void *respond(void *unused)
{
    (void)unused;
    static pthread_mutex_t accepting = PTHREAD_MUTEX_INITIALIZER;
    struct spool spool = folder ? open_spool() : (struct spool){0};
    FCGX_Request request;
    FCGX_InitRequest(&request, listener, 0);
    for (;;) {
        char rest[512];
        pthread_mutex_lock(&accepting);
        must(FCGX_Accept_r(&request) == 0, "accept");
        pthread_mutex_unlock(&accepting);
        while (FCGX_GetStr(rest, sizeof rest, request.in) > 0)
            ;
        /* The health check has no such field. */
        if (FCGX_GetParam("HTTP_AUTHORIZATION", request.envp)) {
            verify_once();
            if (folder)
                publish_once(spool);
        }
        FCGX_PutS("Status: 200 OK\r\nContent-Length: 0\r\n\r\n", request.out);
        request.detached = 1; /* a plain close */
        FCGX_Finish_r(&request);
    }
}

/* Processes */

static void *spawn(void *unused)
{
    (void)unused;
    char *arguments[] = {"true", NULL};
    while (next_number++ < limit) {
        pid_t process;
        must(posix_spawn(&process, "/bin/true", NULL, NULL, arguments, environ) == 0, "spawn");
        waitpid(process, NULL, 0);
        operations++;
    }
    return NULL;
}

/* Tokens */

static void base64url(const unsigned char *bytes, size_t count, char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (size_t i = 0; i < count; i += 3) {
        unsigned value = bytes[i] << 16 | (i + 1 < count ? bytes[i + 1] << 8 : 0)
                         | (i + 2 < count ? bytes[i + 2] : 0);
        for (size_t j = 0; j < 4 && j <= count - i; j++)
            *text++ = digits[value >> (18 - 6 * j) & 63];
    }
    *text = 0;
}

/* Writes the compact token of a payload; `key` signs it. */
static void make_token(char *token, const char *payload)
{
    int bits = EVP_PKEY_get_bits(key), half = (bits + 7) / 8;
    unsigned char der[200], raw[132], *bytes = der;
    size_t length = sizeof der;
    char header[64], encoded[400];
    snprintf(header, sizeof header, "{\"typ\":\"JWT\",\"alg\":\"%s\"}",
             bits == 256 ? "ES256" : "ES512");
    base64url((unsigned char *)header, strlen(header), encoded);
    int count = sprintf(token, "%s.", encoded);
    base64url((unsigned char *)payload, strlen(payload), token + count);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *digest = bits == 256 ? EVP_sha256() : EVP_sha512();
    must(EVP_DigestSignInit(context, NULL, digest, NULL, key) == 1
             && EVP_DigestSign(context, der, &length, (unsigned char *)token, strlen(token)) == 1,
         "sign");
    EVP_MD_CTX_free(context);
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, (const unsigned char **)&bytes, (long)length);
    must(pair != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), raw, half) == half
             && BN_bn2binpad(ECDSA_SIG_get0_s(pair), raw + half, half) == half,
         "signature");
    ECDSA_SIG_free(pair);
    base64url(raw, 2 * half, encoded);
    sprintf(token + strlen(token), ".%s", encoded);
}

static void print_tokens(const char *file, long count, const char *issued)
{
    FILE *stream = fopen(file, "r");
    must(stream != NULL, file);
    key = PEM_read_PrivateKey(stream, NULL, NULL, NULL);
    must(key != NULL, file);
    for (long i = 0; i < count; i++) {
        char payload[200], token[1000];
        snprintf(payload, sizeof payload,
                 "{\"id\":\"%ld\",\"kind\":\"export\",\"status\":\"done\",\"iat\":%s}", i, issued);
        make_token(token, payload);
        puts(token);
    }
}

/* A filled spool */

static void sha256_hex(char *hex, const char *text)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((unsigned char *)text, strlen(text), digest);
    for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
        sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* Makes a P-256 key, which signs a million tokens within a minute, prints its public half, and
 * writes its thumbprint (RFC 7638). */
static void make_key(char *thumbprint)
{
    unsigned char point[65], digest[SHA256_DIGEST_LENGTH];
    char x[44], y[44], jwk[200];
    key = EVP_EC_gen("P-256");
    must(key != NULL && PEM_write_PUBKEY(stdout, key) == 1
             && EVP_PKEY_get_octet_string_param(key, "pub", point, sizeof point, NULL) == 1,
         "key");
    base64url(point + 1, 32, x);
    base64url(point + 33, 32, y);
    snprintf(jwk, sizeof jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
    base64url(SHA256((unsigned char *)jwk, strlen(jwk), digest), sizeof digest, thumbprint);
}

static void fill(long count, long issued)
{
    char path[4096], other[4096], line[2000], thumbprint[44];
    snprintf(path, sizeof path, "%s/format", folder);
    int format = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0640);
    must(format >= 0 && write(format, "1\n", 2) == 2, path);
    make_key(thumbprint);
    for (long i = 0; i < count; i++) {
        time_t time = issued + i / 200;
        struct tm parts;
        char basic[32], extended[32], hour[32];
        char stable[100], payload[200], token[1000], hex[65], event_key[65];
        gmtime_r(&time, &parts);
        strftime(basic, sizeof basic, "%Y%m%dT%H%M%SZ", &parts);
        strftime(hour, sizeof hour, "%Y%m%dT%H", &parts);
        strftime(extended, sizeof extended, "%Y-%m-%dT%H:%M:%SZ", &parts);
        snprintf(stable, sizeof stable,
                 "{\"id\":\"%ld\",\"kind\":\"export\",\"status\":\"done\"}", i);
        snprintf(payload, sizeof payload, "%.*s,\"iat\":%ld}", (int)strlen(stable) - 1, stable,
                 (long)time);
        make_token(token, payload);
        sha256_hex(hex, payload);
        sha256_hex(event_key, stable);
        int length = snprintf(
            line, sizeof line,
            "{\"specversion\":\"1.0\",\"id\":\"%s\",\"source\":\"https://acme.delvesecurity.app#acme\","
            "\"type\":\"com.delvesecurity.export.done\",\"subject\":\"export/%ld\",\"time\":\"%s\","
            "\"datacontenttype\":\"application/json\",\"data\":%s,\"recordedtime\":\"%s\","
            "\"instance\":\"acme\",\"hook\":\"export-complete\","
            "\"requesturi\":\"/webhooks/delve/export\",\"remoteaddr\":\"192.0.2.1\","
            "\"eventkey\":\"%s\",\"keyid\":\"%s\",\"xsignature\":\"ES256 /api/webhook.key\","
            "\"jws\":\"%s\"}\n",
            hex, i, extended, payload, extended, event_key, thumbprint, token);
        snprintf(path, sizeof path, "%s/new/%s-export-done-%ld-%.32s.json", folder, basic, i, hex);
        int file = open(path, O_CREAT | O_WRONLY, 0640);
        must(file >= 0 && write(file, line, length) == length, path);
        close(file);
        snprintf(other, sizeof other, "%s/ids/%s", folder, hour);
        mkdir(other, 0750);
        snprintf(other, sizeof other, "%s/ids/%s/%s", folder, hour, hex);
        must(link(path, other) == 0, other);
    }
}

int main(int count, char **arguments)
{
    const char *verb = count > 1 ? arguments[1] : "";
    if (strcmp(verb, "verify") == 0 && count == 4) {
        prepare_verification();
        deadline = now() + atof(arguments[2]);
        measure(verify, atoi(arguments[3]), RUSAGE_SELF);
    } else if (strcmp(verb, "publish") == 0 && count == 5) {
        folder = arguments[2];
        make_folders();
        deadline = now() + atof(arguments[3]);
        measure(publish, atoi(arguments[4]), RUSAGE_SELF);
    } else if (strcmp(verb, "respond") == 0 && count == 5) {
        pthread_t thread;
        if (strcmp(arguments[2], "-") != 0) {
            folder = arguments[2];
            make_folders();
        }
        prepare_verification();
        must(FCGX_Init() == 0 && (listener = FCGX_OpenSocket(arguments[3], 1024)) >= 0, "listen");
        for (int i = 0; i < atoi(arguments[4]); i++)
            must(pthread_create(&thread, NULL, respond, NULL) == 0, "pthread_create");
        pause();
    } else if (strcmp(verb, "spawn") == 0 && count == 4) {
        limit = atol(arguments[2]);
        measure(spawn, atoi(arguments[3]), RUSAGE_CHILDREN);
    } else if (strcmp(verb, "tokens") == 0 && count == 5) {
        print_tokens(arguments[2], atol(arguments[3]), arguments[4]);
    } else if (strcmp(verb, "fill") == 0 && count == 5) {
        folder = arguments[2];
        make_folders();
        fill(atol(arguments[3]), atol(arguments[4]));
    } else {
        fprintf(stderr, "usage: see the top of floor.c\n");
        return 64;
    }
    return 0;
}
