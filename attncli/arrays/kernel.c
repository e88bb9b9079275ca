/* Inner loops: of a batch, numbers and tokens into text, words into numbers, keys into order, scores under
   masks, checksums; of models, stored numbers into float32.

   Each does what Python and numpy do where this is not there, and gives the same bytes: none of them
   adds or multiplies numbers in an order of its own. None asks for memory or keeps anything; whoever
   calls has made room for what comes.
   Little-endian processors with 64-bit addresses only; compiled.py looks for both. */

#include <stdint.h>
#include <string.h>

#define SHIFT 6755399441055744.0 /* 1.5 · 2^52: a sum with it is rounded to a whole number, half to even */
#define BITS_OF_INFINITY 0x7F800000 /* the bits of a float32 that is */
#define INFINITY_F __builtin_inff()
#define BLOCK 512                /* numbers in work at once */

/* The digits of the numbers below 1000, each with a comma behind it. */
#define ONE(a, b, c) a, b, c, ','
#define TEN(a, b)                                                                                       \
    ONE(a, b, '0'), ONE(a, b, '1'), ONE(a, b, '2'), ONE(a, b, '3'), ONE(a, b, '4'), ONE(a, b, '5'),     \
        ONE(a, b, '6'), ONE(a, b, '7'), ONE(a, b, '8'), ONE(a, b, '9')
#define HUNDRED(a)                                                                                      \
    TEN(a, '0'), TEN(a, '1'), TEN(a, '2'), TEN(a, '3'), TEN(a, '4'), TEN(a, '5'), TEN(a, '6'),          \
        TEN(a, '7'), TEN(a, '8'), TEN(a, '9')
static const char TRIPLES[4000] = {HUNDRED('0'), HUNDRED('1'), HUNDRED('2'), HUNDRED('3'), HUNDRED('4'),
                                   HUNDRED('5'), HUNDRED('6'), HUNDRED('7'), HUNDRED('8'), HUNDRED('9')};

/* Writes a whole number; returns the place behind it. */
static char *whole(char *out, uint64_t number)
{
    char digits[20];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    while (count)
        *out++ = digits[--count];
    return out;
}

/* What numbers are below, so that they have one digit before the point when they are rounded. */
static float limit_of(int32_t n_digits)
{
    double one = 1;
    while (n_digits--)
        one *= 10;
    return (float)(10.0 - 1.0 / one);
}

/* Whether each of n arrays of the same size has only numbers that can be printed: finite ones below the
   limit, and no negative one where they are not `is_signed`. */
void attn_numbers_fit(const float *values, int64_t n, int64_t size, int32_t n_digits, int32_t is_signed,
                      uint8_t *fit)
{
    const float limit = limit_of(n_digits);
    for (int64_t i = 0; i < n; i++, values += size) {
        int32_t good = 1;
        if (is_signed)
            for (int64_t k = 0; k < size; k++)
                good &= (values[k] < limit) & (values[k] > -limit);
        else
            for (int64_t k = 0; k < size; k++)
                good &= (values[k] < limit) & (values[k] >= 0);
        fit[i] = (uint8_t)good;
    }
}

/* Floats → whole numbers of units, of which 1 has `one`, rounded half to even: the product has at most
   44 bits, and the sum rounds it. */
static void units_of(const float *values, int64_t count, const uint32_t one, int32_t *units)
{
    for (int64_t i = 0; i < count; i++) {
        const double sum = (double)values[i] * one + SHIFT;
        uint64_t bits;
        memcpy(&bits, &sum, 8);
        units[i] = (int32_t)bits; /* the low half of the sum's bits */
    }
}

/* Prints a matrix without its first bracket: numbers with `n_digits` (1 to 6) after the point and one
   before it, and where `is_signed` a space or a minus before that. The compiler knows both and makes
   products of divisions. Each number has its place. Up to 8 characters behind the text are overwritten. */
static inline char *print_matrix(const float *values, int64_t n_rows, int64_t n_columns,
                                 const int n_digits, const int is_signed, char *place)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    const uint32_t one = powers[n_digits], fill = powers[6 - n_digits];
    int32_t units[BLOCK];
    for (int64_t row = 0; row < n_rows; row++) {
        *place++ = '[';
        for (int64_t begin = 0; begin < n_columns; begin += BLOCK) {
            const int64_t count = n_columns - begin < BLOCK ? n_columns - begin : BLOCK;
            units_of(values, count, one, units);
            values += count;
            for (int64_t i = 0; i < count; i++) {
                const int32_t minus = units[i] >> 31;
                const uint32_t size = (uint32_t)((units[i] ^ minus) - minus);
                const uint32_t before = size / one, behind = (size - before * one) * fill;
                const uint32_t upper = behind / 1000, lower = behind - upper * 1000;
                const uint32_t point = ('0' + before) | (uint32_t)'.' << 8;
                const uint32_t head = is_signed ? point << 8 | (minus ? '-' : ' ') : point;
                memcpy(place, &head, is_signed ? 4 : 2);
                place += 2 + is_signed;
                memcpy(place, TRIPLES + 4 * upper, 4);
                if (n_digits > 3)
                    memcpy(place + 3, TRIPLES + 4 * lower, 4);
                place[n_digits] = ',';
                place += n_digits + 1;
            }
        }
        place[-1] = ']';
        *place++ = ',';
    }
    place[-1] = ']';
    return place;
}

/* The same with digits that are not known beforehand. */
static char *print_any(const float *values, int64_t n_rows, int64_t n_columns, int n_digits,
                       int is_signed, char *place)
{
#define CASE(digits, sign)                                                                              \
    case 2 * (digits) + (sign):                                                                         \
        return print_matrix(values, n_rows, n_columns, digits, sign, place)
    switch (2 * n_digits + !!is_signed) {
        CASE(1, 0); CASE(2, 0); CASE(3, 0); CASE(4, 0); CASE(5, 0); CASE(6, 0);
        CASE(1, 1); CASE(2, 1); CASE(3, 1); CASE(4, 1); CASE(5, 1); CASE(6, 1);
    }
#undef CASE
    return place;
}

/* A column of lines: what each line has there. */
typedef struct {
    const char *text;                  /* the texts of all lines, one behind the other */
    const int64_t *ends;               /* where in it each line's text ends; none: all have the same */
    int64_t size;                      /* of the text that all have */
    const float *const *arrays;        /* each line's numbers; none for those that have a text */
    const int64_t *n_rows, *n_columns; /* of each line's matrices */
    int64_t n_matrices, n_lists;       /* how many matrices a list has, and how many lists there are */
    int32_t depth;                     /* how many brackets are around matrices: 0, 1 or 2 */
    int32_t n_digits, is_signed;
} column;

/* Prints a line's matrices in their lists. */
static char *print_array(const column *c, int64_t line, char *place)
{
    const float *values = c->arrays[line];
    const int64_t n_rows = c->n_rows[line], n_columns = c->n_columns[line];
    if (c->depth > 1)
        *place++ = '[';
    for (int64_t i = 0; i < c->n_lists; i++) {
        if (c->depth > 0)
            *place++ = '[';
        for (int64_t j = 0; j < c->n_matrices; j++) {
            *place++ = '[';
            place = print_any(values, n_rows, n_columns, c->n_digits, c->is_signed, place);
            values += n_rows * n_columns;
            *place++ = ',';
        }
        if (c->depth > 0) {
            place[-1] = ']';
            *place++ = ',';
        }
    }
    if (c->depth < 2)
        return place - 1; /* without the comma */
    place[-1] = ']';
    return place;
}

/* Writes lines: of each its text or its numbers of every column. Line i is order[i] of the columns;
   `ends` gets where it ends. Numbers are float32, each line's whole and fit to be printed. */
void attn_write_lines(const column *columns, int64_t n_columns, const int64_t *order, int64_t n_lines,
                      char *out, int64_t *ends)
{
    char *place = out;
    for (int64_t i = 0; i < n_lines; i++) {
        const int64_t line = order[i];
        for (const column *c = columns; c < columns + n_columns; c++) {
            if (c->arrays && c->arrays[line]) {
                place = print_array(c, line, place);
                continue;
            }
            const int64_t begin = c->ends && line ? c->ends[line - 1] : 0;
            const int64_t size = c->ends ? c->ends[line] - begin : c->size;
            memcpy(place, c->text + begin, (size_t)size);
            place += size;
        }
        ends[i] = place - out;
    }
}

/* Adds the 64-bit words of n pages, 512 each, to the sums by place, and sums each page; modulo 2^64. The
   pages may begin anywhere. */
void attn_sum_pages(const unsigned char *pages, int64_t n, uint64_t *restrict by_place, uint64_t *by_page)
{
    for (int64_t page = 0; page < n; page++, pages += 4096) {
        uint64_t sum = 0;
        for (int i = 0; i < 512; i++) {
            uint64_t word;
            memcpy(&word, pages + 8 * i, 8);
            by_place[i] += word;
            sum += word;
        }
        by_page[page] = sum;
    }
}

/* The hash of a word (FNV-1a), begun with a secret, so that nobody can choose words that collide. */
static uint64_t hash_of(const unsigned char *word, int64_t size, uint64_t secret)
{
    uint64_t hash = secret;
    for (int64_t i = 0; i < size; i++)
        hash = (hash ^ word[i]) * 0x100000001B3;
    return hash ^ hash >> 29;
}

/* Where a word is in the table, or the empty place where it belongs. Of word n, `ends` has the end in
   `words`, in which its beginning is the end of the one before it. */
static int64_t place_of(const unsigned char *word, int64_t size, uint64_t secret, const int32_t *table,
                        int64_t mask, const unsigned char *words, const int64_t *ends)
{
    int64_t place = (int64_t)(hash_of(word, size, secret) & (uint64_t)mask);
    for (;; place = (place + 1) & mask) {
        const int32_t number = table[place];
        if (number < 0)
            return place;
        const int64_t begin = number ? ends[number - 1] : 0;
        if (ends[number] - begin == size && !memcmp(words + begin, word, (size_t)size))
            return place;
    }
}

/* Puts words `first` to `last` into a table of mask + 1 places, more than there are words; −1 is empty. */
void attn_remember_words(int64_t first, int64_t last, const unsigned char *words, const int64_t *ends,
                         uint64_t secret, int32_t *table, int64_t mask)
{
    for (int64_t number = first; number < last; number++) {
        const int64_t begin = number ? ends[number - 1] : 0;
        table[place_of(words + begin, ends[number] - begin, secret, table, mask, words, ends)] =
            (int32_t)number;
    }
}

/* The number of each word of a text, between spaces, or −1, and where in the text it ends. Returns how
   many words there are, one more than spaces; no more than n are looked up. */
int64_t attn_find_words(const unsigned char *text, int64_t size, const unsigned char *words,
                        const int64_t *ends, uint64_t secret, const int32_t *table, int64_t mask,
                        int64_t n, int64_t *numbers, int64_t *word_ends)
{
    int64_t count = 0, begin = 0;
    for (int64_t end = 0; end <= size; end++) {
        if (end < size && text[end] != ' ')
            continue;
        if (count < n) {
            const unsigned char *word = text + begin;
            numbers[count] = table[place_of(word, end - begin, secret, table, mask, words, ends)];
            word_ends[count] = end;
        }
        count++;
        begin = end + 1;
    }
    return count;
}

/* Writes the JSON list of each sentence's tokens. Token i is fragment which[i], whose piece begins at
   character places[i] of its sentence; the fragment itself begins `starts` behind that and has `lengths`
   characters. Fragment n has its text before the offsets in `before`, up to before_ends[n], and behind
   them in `after`, with a comma at its end. `ends` gets where each sentence's text ends. */
void attn_token_lists(const int64_t *which, const int64_t *places, const int64_t *counts,
                      int64_t n_sentences, const char *before, const int64_t *before_ends,
                      const char *after, const int64_t *after_ends, const int64_t *starts,
                      const int64_t *lengths, char *out, int64_t *ends)
{
    static const char between[] = ",\"end\":";
    char *place = out;
    int64_t token = 0;
    for (int64_t sentence = 0; sentence < n_sentences; sentence++) {
        *place++ = '[';
        for (const int64_t last = token + counts[sentence]; token < last; token++) {
            const int64_t n = which[token], start = places[token] + starts[n];
            int64_t begin = n ? before_ends[n - 1] : 0;
            memcpy(place, before + begin, (size_t)(before_ends[n] - begin));
            place = whole(place + (before_ends[n] - begin), (uint64_t)start);
            memcpy(place, between, sizeof between - 1);
            place = whole(place + sizeof between - 1, (uint64_t)(start + lengths[n]));
            begin = n ? after_ends[n - 1] : 0;
            memcpy(place, after + begin, (size_t)(after_ends[n] - begin));
            place += after_ends[n] - begin;
        }
        if (counts[sentence])
            place--; /* the last comma */
        *place++ = ']';
        ends[sentence] = place - out;
    }
}

/* Spells numbers from 0 to 1 as Python does: as orjson writes them, with commas between, but for what
   is less than 10^-4. From 10^-5 on that has no exponent there, and one of one digit below. `ends` gets
   where each ends in `out`, with a comma behind it. */
void attn_spell_numbers(const char *text, int64_t size, char *out, int64_t *ends)
{
    static const char zeros[] = "0.0000";
    char *place = out;
    for (int64_t begin = 0; begin < size;) {
        int64_t end = begin;
        while (end < size && text[end] != ',')
            end++;
        const char *number = text + begin;
        const int64_t length = end - begin;
        if (length > 6 && !memcmp(number, zeros, 6)) {
            *place++ = number[6];
            if (length > 7)
                *place++ = '.';
            memcpy(place, number + 7, (size_t)(length - 7));
            place += length - 7;
            memcpy(place, "e-05", 4);
            place += 4;
        } else {
            memcpy(place, number, (size_t)length);
            place += length;
            if (length > 2 && number[length - 2] == '-') {
                place[0] = place[-1];
                place[-1] = '0';
                place++;
            }
        }
        *place++ = ',';
        *ends++ = place - out;
        begin = end + 1;
    }
}

/* What attn_strongest does, for few: each number goes past all that are kept, and the compiler, which
   knows how many, needs no branch. A number's bits and, turned, its place are one whole number. */
static inline int32_t strongest_few(const float *weights, int64_t n_rows, int64_t n_columns, const int kept,
                                    int64_t *keys, float *values)
{
    int32_t wrong = 0;
    for (int64_t row = 0; row < n_rows; row++, weights += n_columns) {
        int64_t best[4] = {-1, -1, -1, -1};
        for (int64_t column = 0; column < n_columns; column++) {
            uint32_t bits;
            memcpy(&bits, weights + column, 4);
            wrong |= bits > BITS_OF_INFINITY;
            int64_t number = (int64_t)((uint64_t)bits << 32 | (uint32_t)~column);
            for (int i = 0; i < kept; i++) {
                const int64_t other = best[i];
                best[i] = number > other ? number : other;
                number = number > other ? other : number;
            }
        }
        for (int i = 0; i < kept; i++) {
            const uint32_t bits = (uint32_t)(best[i] >> 32);
            memcpy(values++, &bits, 4);
            *keys++ = (uint32_t)~best[i];
        }
    }
    return !wrong;
}

/* The `kept` largest numbers of each row of weights (n_rows, n_columns), largest first, and where they
   are; of equal ones the earlier comes first. Returns 0, and nothing of worth, where a number is
   negative (−0 is) or none. */
int32_t attn_strongest(const float *weights, int64_t n_rows, int64_t n_columns, int64_t kept,
                       int64_t *keys, float *values)
{
    if (n_columns <= INT32_MAX)
        switch (kept) {
        case 1: return strongest_few(weights, n_rows, n_columns, 1, keys, values);
        case 2: return strongest_few(weights, n_rows, n_columns, 2, keys, values);
        case 3: return strongest_few(weights, n_rows, n_columns, 3, keys, values);
        case 4: return strongest_few(weights, n_rows, n_columns, 4, keys, values);
        }
    for (int64_t row = 0; row < n_rows; row++) {
        int32_t best[32]; /* bits of floats ≥ 0 have their order */
        int64_t count = 0;
        for (int64_t column = 0; column < n_columns; column++) {
            int32_t bits;
            memcpy(&bits, weights + row * n_columns + column, 4);
            if (bits < 0 || bits > BITS_OF_INFINITY)
                return 0;
            if (count == kept && bits <= best[kept - 1])
                continue;
            int64_t at = count < kept ? count++ : kept - 1;
            for (; at && bits > best[at - 1]; at--) {
                best[at] = best[at - 1];
                keys[at] = keys[at - 1];
            }
            best[at] = bits;
            keys[at] = column;
        }
        memcpy(values, best, (size_t)(4 * kept));
        keys += kept;
        values += kept;
    }
    return 1;
}

/* Writes whole numbers (n_sentences, n_layers, n_heads, n_rows, n_columns), none negative, as the nested
   JSON list of each sentence. No size is 0. `ends` gets where each sentence's text ends. */
void attn_print_keys(const int64_t *keys, int64_t n_sentences, int64_t n_layers, int64_t n_heads,
                     int64_t n_rows, int64_t n_columns, char *out, int64_t *ends)
{
    char *place = out;
    for (int64_t sentence = 0; sentence < n_sentences; sentence++) {
        *place++ = '[';
        for (int64_t layer = 0; layer < n_layers; layer++) {
            *place++ = '[';
            for (int64_t head = 0; head < n_heads; head++) {
                *place++ = '[';
                for (int64_t row = 0; row < n_rows; row++) {
                    *place++ = '[';
                    for (int64_t column = 0; column < n_columns; column++) {
                        place = whole(place, (uint64_t)*keys++);
                        *place++ = ',';
                    }
                    place[-1] = ']';
                    *place++ = ',';
                }
                place[-1] = ']';
                *place++ = ',';
            }
            place[-1] = ']';
            *place++ = ',';
        }
        place[-1] = ']';
        ends[sentence] = place - out;
    }
}

/* Masks rows of scores (n_rows, n_columns) in place, and takes the largest score of each row from it.
   Where `mask` (n_masks, n_columns) is 0, the score is −∞; its rows come again and again, those of all
   heads or sentences. A row without a score is left at −∞; one with a score that is no number has none. */
void attn_shift_rows(float *scores, int64_t n_rows, int64_t n_columns, const uint8_t *mask,
                     int64_t n_masks)
{
    for (int64_t row = 0; row < n_rows; row++, scores += n_columns) {
        const uint8_t *allowed = mask + row % n_masks * n_columns;
        float peaks[4] = {-INFINITY_F, -INFINITY_F, -INFINITY_F, -INFINITY_F};
        int32_t wrong = 0;
        for (int64_t i = 0; i < n_columns; i++) {
            const float score = allowed[i] ? scores[i] : -INFINITY_F;
            scores[i] = score;
            wrong |= score != score;
            peaks[i & 3] = score > peaks[i & 3] ? score : peaks[i & 3];
        }
        const float first = peaks[0] > peaks[1] ? peaks[0] : peaks[1];
        const float last = peaks[2] > peaks[3] ? peaks[2] : peaks[3];
        float peak = first > last ? first : last;
        if (wrong)
            peak = INFINITY_F - INFINITY_F;
        else if (peak == -INFINITY_F)
            peak = 0;
        for (int64_t i = 0; i < n_columns; i++)
            scores[i] -= peak;
    }
}

/* Takes the largest score of each row (n_rows, n_columns) from it, in place. A row of −∞ is left so; one
   with a score that is no number has none. */
#define SHIFT_ALL(name, real)                                                                           \
    void name(real *scores, int64_t n_rows, int64_t n_columns)                                          \
    {                                                                                                   \
        for (int64_t row = 0; row < n_rows; row++, scores += n_columns) {                               \
            real peak = -INFINITY_F;                                                                    \
            int32_t wrong = 0;                                                                          \
            for (int64_t i = 0; i < n_columns; i++) {                                                   \
                wrong |= scores[i] != scores[i];                                                        \
                peak = scores[i] > peak ? scores[i] : peak;                                             \
            }                                                                                           \
            if (wrong)                                                                                  \
                peak = INFINITY_F - INFINITY_F;                                                         \
            else if (peak == -INFINITY_F)                                                               \
                peak = 0;                                                                               \
            for (int64_t i = 0; i < n_columns; i++)                                                     \
                scores[i] -= peak;                                                                      \
        }                                                                                               \
    }
SHIFT_ALL(attn_shift_floats, float)
SHIFT_ALL(attn_shift_doubles, double)

/* Float16 → float32, exactly. Returns 0, and nothing of worth, where one is infinite or no number. */
int32_t attn_widen_halves(const uint16_t *halves, int64_t n, float *out)
{
    const float bias = 5192296858534827628530496329220096.0f; /* 2^112: between the exponents' biases */
    int32_t largest = 0;
    for (int64_t i = 0; i < n; i++) {
        const int32_t size = halves[i] & 0x7FFF;
        const uint32_t bits = (uint32_t)size << 13 | (uint32_t)(halves[i] & 0x8000) << 16;
        float moved;
        memcpy(&moved, &bits, 4);
        out[i] = moved * bias;
        largest = size > largest ? size : largest;
    }
    return largest < 0x7C00;
}

/* Bfloat16 → float32: they are its upper halves. */
void attn_widen_uppers(const uint16_t *uppers, int64_t n, uint32_t *out)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = (uint32_t)uppers[i] << 16;
}

/* The field of some bits that each of 16 bytes has. */
typedef struct {
    const uint8_t *bytes;
    int shift, mask;
} field;

/* 16 numbers: out = (low + high · 2^place − offset) · scale − least. What does not change is known when
   it is compiled, and each product is rounded before the difference. */
static inline void run_of(field low, field high, const int place, const int offset, const float scale,
                          const float least, float *restrict out)
{
    for (int i = 0; i < 16; i++) {
        int number = low.bytes[i] >> low.shift & low.mask;
        if (place)
            number |= (high.bytes[i] >> high.shift & high.mask) << place;
        out[i] = (float)(number - offset) * scale - least;
    }
}

/* The same of the lower halves of 16 bytes, then of the upper ones. */
static inline void halves_of(const uint8_t *bytes, const int offset, const float scale, const float least,
                             float *restrict out)
{
    for (int i = 0; i < 16; i++) {
        out[i] = (float)((bytes[i] & 15) - offset) * scale - least;
        out[16 + i] = (float)((bytes[i] >> 4) - offset) * scale - least;
    }
}

/* Unpacks n blocks of a type of ggml; 0 for one that is not here. Types are numbered as there, and blocks
   laid out as ggml-common.h says. scale: (n, runs), one for each run of a block; least: the same, of those
   types that have one, else none. */
int32_t attn_unpack(int32_t type, const uint8_t *blocks, int64_t n, const float *scale,
                    const float *least, float *out)
{
    static const uint8_t sizes[] = {[2] = 18,  [3] = 20,   [8] = 34,   [10] = 84,
                                    [11] = 110, [12] = 144, [13] = 176, [14] = 210};
    const field none = {0, 0, 0};
    if (type < 0 || type >= (int32_t)sizeof sizes || !sizes[type])
        return 0;
    for (int64_t block = 0; block < n; block++, blocks += sizes[type])
        switch (type) {
        case 2: /* Q4_0: the lower halves of 16 bytes, then the upper ones */
            halves_of(blocks + 2, 8, scale[block], 0, out + 32 * block);
            break;
        case 3: /* Q4_1 */
            halves_of(blocks + 4, 0, scale[block], least[block], out + 32 * block);
            break;
        case 8: /* Q8_0 */
            for (int i = 0; i < 32; i++)
                *out++ = (float)(int8_t)blocks[2 + i] * scale[block];
            break;
        case 10: /* Q2_K: in each 32 bytes the lowest two bits, then the next */
            for (int run = 0; run < 16; run++, out += 16) {
                const field low = {blocks + 16 + run / 8 * 32 + run % 2 * 16, run % 8 / 2 * 2, 3};
                run_of(low, none, 0, 0, *scale++, *least++, out);
            }
            break;
        case 11: /* Q3_K: the same, with a third bit of 32 other bytes, one for each 32 numbers */
            for (int run = 0; run < 16; run++, out += 16) {
                const field low = {blocks + 32 + run / 8 * 32 + run % 2 * 16, run % 8 / 2 * 2, 3};
                const field high = {blocks + run % 2 * 16, run / 2, 1};
                run_of(low, high, 2, 4, *scale++, 0, out);
            }
            break;
        case 12: /* Q4_K: in each 32 bytes the lower halves, then the upper ones */
            for (int run = 0; run < 16; run++, out += 16) {
                const field low = {blocks + 16 + run / 4 * 32 + run % 2 * 16, run % 4 / 2 * 4, 15};
                run_of(low, none, 0, 0, scale[run / 2], least[run / 2], out);
            }
            scale += 8, least += 8;
            break;
        case 13: /* Q5_K: the same, with a fifth bit of 32 other bytes, one for each 32 numbers */
            for (int run = 0; run < 16; run++, out += 16) {
                const field low = {blocks + 48 + run / 4 * 32 + run % 2 * 16, run % 4 / 2 * 4, 15};
                const field high = {blocks + 16 + run % 2 * 16, run / 2, 1};
                run_of(low, high, 4, 0, scale[run / 2], least[run / 2], out);
            }
            scale += 8, least += 8;
            break;
        case 14: /* Q6_K: in each 64 bytes the lower halves, then the upper ones; two bits of 32 others */
            for (int run = 0; run < 16; run++, out += 16) {
                const field low = {blocks + run / 8 * 64 + run % 4 * 16, run % 8 / 4 * 4, 15};
                const field high = {blocks + 128 + run / 8 * 32 + run % 2 * 16, run % 8 / 2 * 2, 3};
                run_of(low, high, 4, 32, *scale++, 0, out);
            }
            break;
        }
    return 1;
}
