/* Records of a batch into their place: numbers printed, texts copied, sums for checksums.
 *
 * Optional, plain C99: what Python and numpy do in digits.py, placing.py and journal.py, with the same
 * bytes, at a few nanoseconds a number.
 * ctypes loads it (compiled.py), so that one build serves every Python; nothing here knows Python.
 * The caller owns all memory. Every function is told how long its target is and writes nothing
 * outside of it: where a text would not fit it stops and returns 0, else 1. No function keeps
 * anything, so that threads may call them at once.
 *
 * A number is printed as numpy rounds it: the float32 value times a power of ten is exact in double
 * (at most 24 + 20 bits), and adding 1.5 * 2^52 rounds it to an integer, half to even, which is then
 * in the low bits. That needs doubles that are no wider than they say.
 */

#include <float.h>
#include <stdint.h>
#include <string.h>

#if !defined(FLT_EVAL_METHOD) || FLT_EVAL_METHOD != 0
#error "doubles are computed with more bits here: the pure path prints"
#endif

#define ROUNDING 6755399441055744.0 /* 1.5 * 2^52 */
#define MOST_DIGITS 6
#define AT_ONCE 64 /* numbers rounded together */

static const double POWERS[MOST_DIGITS + 1] = {1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
static const uint32_t UNITS[MOST_DIGITS + 1] = {1000000, 100000, 10000, 1000, 100, 10, 1};

/* Sign, first digit and point; the others are for numbers that are none. */
static const char FIRST[2][16][5] = {
    {" 0.", " 1.", " 2.", " 3.", " 4.", " 5.", " 6.", " 7.", " 8.", " 9."},
    {"-0.", "-1.", "-2.", "-3.", "-4.", "-5.", "-6.", "-7.", "-8.", "-9."},
};

/* What compiled.py must agree with. */
int32_t attn_kernel_version(void) { return 2; }

/* Whether every number is above `low`, or equal to it with `or_low`, and below `high`; NaN is not. */
int32_t attn_kernel_within(const float *numbers, int64_t count, float low, int32_t or_low, float high)
{
    int32_t outside = 0;
    if (or_low)
        for (int64_t i = 0; i < count; i++)
            outside |= !((numbers[i] >= low) & (numbers[i] < high));
    else
        for (int64_t i = 0; i < count; i++)
            outside |= !((numbers[i] > low) & (numbers[i] < high));
    return !outside;
}

/* `count` numbers times `power` as integers, half to even; of what is no number, any integer. */
static void rounded(const float *numbers, int64_t count, double power, int32_t *units)
{
    for (int64_t i = 0; i < count; i++) {
        double sum = (double)numbers[i] * power + ROUNDING;
        int64_t bits;
        memcpy(&bits, &sum, sizeof bits);
        units[i] = (int32_t)(uint32_t)(uint64_t)bits;
    }
}

/* One number of `units`, and a comma. `thousand` holds "000," to "999,".
 *
 * It is written as if it had six digits: up to five bytes behind its comma are overwritten.
 */
static inline void print_number(int32_t units, int32_t digits, int32_t is_signed,
                                const char *thousand, char *to)
{
    const uint32_t minus = (uint32_t)units >> 31;
    const uint32_t size = (((uint32_t)units ^ (0u - minus)) + minus) * UNITS[digits];
    const uint32_t upper = size / 1000, first = upper / 1000;
    memcpy(to, FIRST[minus][first & 15] + !is_signed, 4);
    to += is_signed;
    memcpy(to + 2, thousand + 4 * (upper - first * 1000), 4);
    memcpy(to + 5, thousand + 4 * (size - upper * 1000), 4);
    if (digits < MOST_DIGITS)
        to[2 + digits] = ',';
}

/* The texts of one row's numbers, each with its comma. */
static inline char *print_as(const float *numbers, int64_t count, int32_t digits, int32_t is_signed,
                             const char *thousand, char *to)
{
    int32_t units[AT_ONCE];
    const int64_t cell = digits + 3 + is_signed;
    while (count > 0) {
        const int64_t some = count < AT_ONCE ? count : AT_ONCE;
        /* what a shorter text leaves behind its comma must not lie behind the row */
        const int64_t whole = digits == MOST_DIGITS || some < count ? some : some - 1;
        rounded(numbers, some, POWERS[digits], units);
        for (int64_t i = 0; i < whole; i++, to += cell)
            print_number(units[i], digits, is_signed, thousand, to);
        if (whole < some) {
            char last[16];
            print_number(units[whole], digits, is_signed, thousand, last);
            memcpy(to, last, (size_t)cell);
            to += cell;
        }
        count -= some;
        numbers += some;
    }
    return to;
}

/* The same; the usual six digits have code of their own. */
static char *print_row(const float *numbers, int64_t count, int32_t digits, int32_t is_signed,
                       const char *thousand, char *to)
{
    if (digits == MOST_DIGITS)
        return is_signed ? print_as(numbers, count, MOST_DIGITS, 1, thousand, to)
                         : print_as(numbers, count, MOST_DIGITS, 0, thousand, to);
    return print_as(numbers, count, digits, is_signed != 0, thousand, to);
}

/* `count` nested lists, each of `shape` (`depth` axes), as JSON; the i-th begins at out[at[i]].
 *
 * All have `length` bytes, which the caller has computed of shape, digits and sign. Every number is
 * in the range that attn_kernel_within was asked for; others come out as wrong digits.
 */
int32_t attn_kernel_lists(const float *numbers, const int64_t *shape, int32_t depth, int64_t count,
                          int32_t digits, int32_t is_signed, const char *thousand, char *out,
                          int64_t out_size, const int64_t *at, int64_t length)
{
    if (depth < 1 || digits < 1 || digits > MOST_DIGITS || length < 0)
        return 0;
    int64_t rows = 1, needed = digits + 2 + (is_signed != 0); /* of a number without its comma */
    for (int32_t axis = depth - 1; axis >= 0; axis--) {
        if (shape[axis] < 1)
            return 0;
        needed = 1 + shape[axis] * (needed + 1);
        if (axis < depth - 1)
            rows *= shape[axis];
    }
    if (needed != length)
        return 0;
    const int64_t columns = shape[depth - 1];
    for (int64_t i = 0; i < count; i++) {
        if (at[i] < 0 || at[i] > out_size || length > out_size - at[i])
            return 0;
        char *to = out + at[i];
        int32_t opened = depth;
        for (int64_t row = 1; row <= rows; row++) {
            memset(to, '[', (size_t)opened);
            to = print_row(numbers, columns, digits, is_signed, thousand, to + opened);
            to[-1] = ']';
            numbers += columns;
            int64_t done = row;
            for (opened = 1; opened < depth && done % shape[depth - 1 - opened] == 0; opened++) {
                done /= shape[depth - 1 - opened];
                *to++ = ']';
            }
            if (opened < depth)
                *to++ = ',';
        }
    }
    return 1;
}

/* `count` texts that follow each other in `texts`, to out[at[i]] each. */
int32_t attn_kernel_texts(const char *texts, int64_t size, const int64_t *lengths, int64_t count,
                          char *out, int64_t out_size, const int64_t *at)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t length = lengths[i];
        if (length < 0 || length > size || at[i] < 0 || at[i] > out_size || length > out_size - at[i])
            return 0;
        memcpy(out + at[i], texts, (size_t)length);
        texts += length;
        size -= length;
    }
    return 1;
}

/* One text, to out[at[i]] each. */
int32_t attn_kernel_repeated(const char *text, int64_t length, int64_t count, char *out,
                             int64_t out_size, const int64_t *at)
{
    for (int64_t i = 0; i < count; i++) {
        if (length < 0 || at[i] < 0 || at[i] > out_size || length > out_size - at[i])
            return 0;
        memcpy(out + at[i], text, (size_t)length);
    }
    return 1;
}

/* Pages of `row` words each: their sum by place over all pages is added to `by_place`, the sum of
 * each page goes to `by_page`; both modulo 2^64.
 */
int32_t attn_kernel_sums(const uint64_t *restrict words, int64_t pages, int64_t row,
                         uint64_t *restrict by_place, uint64_t *restrict by_page)
{
    for (int64_t page = 0; page < pages; page++, words += row) {
        uint64_t sum = 0;
        for (int64_t i = 0; i < row; i++) {
            by_place[i] += words[i];
            sum += words[i];
        }
        by_page[page] = sum;
    }
    return 1;
}
