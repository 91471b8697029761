# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The way of a note from its words to its margin and its phrases, compiled.

These are the steps of `reading`, `assertions`, `document`, `scores`, `features`, `gating`, `trees`
and `evidence`, under their names, but word by word instead of array by array. Those modules are
what counts: training goes by them, and so does serving where this file was not compiled. All tables
and all numbers that somebody may want to tune come from them (`compiled`), and the tests hold both
ways against each other.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.math cimport exp, fabs, sqrt
from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint16_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset

from mlops.container.document import Counts
from mlops.container.text import spaced

# The columns of a row and the marks of a word (`tokens`), and what is in a gap (`text`).
cdef enum:
    WORD, MARKS, TAKEN, REST, LENGTH, COLUMNS
cdef enum:
    TITLE = 1
    GRADE = 2
    MM = 4
    CM = 8
    HEADING = 16
    INITIAL = 32
    APART = 64
    END = 128
    LOST = 256
    LETTER = 512
    EXOTIC = 1024
    BEFORE = 12
    AFTER = 16
    MORE = 20
    ENDS = 32
    COMMA = 1
    CLAUSE = 2
    COLON = 4
    QUESTION = 8
    ASKS = COLON | QUESTION
    SPECIAL = TITLE | GRADE | MM | CM | END | LOST | ASKS << BEFORE | ASKS << AFTER
# What is asserted of a word (`assertions`).
cdef enum:
    NEGATED = 1
    OTHER = 4
    OFF = NEGATED | OTHER
# What a word is to `document`, and whether it counts alone (`scores.content`).
cpdef enum Word:
    KNOWN = 1
    ENGLISH = 2
    FOREIGN = 4
    ELSEWHERE = 8
    CLINICAL = 16
    OFFICE = 32
    PERSON = 64
    AGE = 128
    AGED = 256
    NUMERIC = 512
    CONTENT = 1024
    PRESCRIBING = 2048
    DOSING = 4096
# What a category of the lexicon is, and what an assertion does.
cpdef enum Role:
    TRIGGER = 1
    CUE = 2
    OPERATIVE = 4
    DISCHARGE = 8
    CLINICAL_CUE = 16
    PSEUDO = 32
    ENDING = 64
    RULE = 128
    PRECEDES = 256
    STATES = 512
    JOINS = 1024
# The scores of `gating.NAMES`; blocks of terms (`scores`), and with the length of each how wide a
# row of a table is; the depth of trees that fit in a table (`trees`).
cdef enum:
    SCORES = 5
    WIDTH = SCORES + 1
    BLOCKS = 5
    DENIED_MEANINGS = 2
    PIECES = 3
    PAIRS = 4
    DEPTH = 4
cdef enum:
    MAX_FEATURES = 512

cdef struct Place:
    # A word of a note: what is known of it, the clause and the part between commas that it is in,
    # and what it adds in the end.
    int64_t mark, where
    int32_t number, length, start, stop, part, row, word, pair, own
    double weight
    uint8_t bits, aside, failed, pseudo, states, clinical, aged, again

cdef struct Term:
    # A word or pair of a note: its number, how many places have it, whether its pieces have been
    # added. Without places it is room for one.
    int32_t number, places
    uint8_t added

cdef struct Token:
    # A remembered token: a hash of it, where it stands among what is remembered (its rows, then
    # its characters), and how many of both there are. Without rows it is room for one.
    uint64_t hash
    int32_t where
    uint16_t rows, length

cdef struct Found:
    # Rows of a token of a note: where they stand among what is remembered, or, below zero, in the
    # note's own list.
    int64_t where
    int32_t rows

cdef struct Match:
    int32_t category, first, last

cdef struct Cue:
    int32_t first, last, feature, sign

cdef struct Phrase:
    double weight
    int32_t first, last


cdef class Memory:
    """Tokens and their rows, one after the other (`tokens.Tokens`), found by their characters.

    Whoever holds Python's lock may use it; `look` gives it away where a token is new.
    """

    cdef object tokens
    cdef Token *table
    cdef int64_t *kept
    cdef int64_t used, room
    cdef uint64_t mask
    cdef Py_ssize_t count, max_count, max_length

    def __cinit__(self, tokens, Py_ssize_t max_count, Py_ssize_t max_length):
        self.tokens, self.max_count, self.max_length = tokens, max_count, max_length
        self.mask = 64
        while self.mask < <uint64_t>(2 * max_count):
            self.mask *= 2
        self.table = <Token *>calloc(self.mask, sizeof(Token))
        self.mask -= 1
        if not self.table:
            raise MemoryError

    def __dealloc__(self):
        free(self.table)
        free(self.kept)

    cdef Token *find(self, str text, Py_ssize_t start, Py_ssize_t length, uint64_t hash):
        """Where a token stands in the table, or the room for it."""
        cdef uint64_t slot = (hash ^ hash >> 29) & self.mask
        cdef Token *token
        cdef Py_ssize_t place
        cdef const int32_t *letters
        while True:
            token = &self.table[slot]
            if not token.rows:
                return token
            if token.hash == hash and token.length == length:
                letters = <const int32_t *>&self.kept[token.where + token.rows * COLUMNS]
                for place in range(length):
                    if letters[place] != <int32_t>text[start + place]:
                        break
                else:
                    return token
            slot = (slot + 1) & self.mask

    cdef int look(
        self, str text, Py_ssize_t start, Py_ssize_t length, uint64_t hash, list own, Found *found
    ) except -1:
        """The rows of a token of a text.

        Args:
            own: Takes what can't be remembered.
        """
        cdef Token *token = self.find(text, start, length, hash)
        cdef Py_ssize_t place, size
        cdef int64_t *more
        cdef int32_t *letters
        cdef bytes rows
        if token.rows:
            found.where, found.rows = token.where, token.rows
            return 0
        rows = self.tokens.read(text[start : start + length])
        size = PyBytes_GET_SIZE(rows) // sizeof(int64_t)
        found.rows = <int32_t>(size // COLUMNS)
        if self.count >= self.max_count or length > self.max_length:
            own.append(rows)
            found.where = -<int64_t>len(own)
            return 0
        # Two characters take the room of one number.
        if self.used + size + length // 2 + 1 > self.room:
            self.room = 2 * (self.used + size + length)
            more = <int64_t *>realloc(self.kept, self.room * sizeof(int64_t))
            if not more:
                raise MemoryError
            self.kept = more
        # Meanwhile another thread may have come to know it.
        token = self.find(text, start, length, hash)
        if not token.rows:
            memcpy(&self.kept[self.used], PyBytes_AS_STRING(rows), size * sizeof(int64_t))
            letters = <int32_t *>&self.kept[self.used + size]
            for place in range(length):
                letters[place] = <int32_t>text[start + place]
            token.hash, token.where = hash, <int32_t>self.used
            token.length, token.rows = <uint16_t>length, <uint16_t>found.rows
            self.used += size + length // 2 + 1
            self.count += 1
        found.where = token.where
        return 0


cdef class Kernel:
    """The tables of a model, and the numbers that its modules fix.

    Args:
        tokens: From a token to its rows.
        by_pieces: From a word to what its known pieces add and their length: SCORES + 1 32-bit
            floats as bytes.
        given: By name; `compiled` says what they are.
    """

    cdef Memory memory
    cdef bytes end
    cdef object by_pieces
    # Of words.
    cdef const uint16_t[::1] kinds
    cdef int64_t size
    # Of phrases: which words may begin one, those of one word, those that go on after a gap, and
    # by their first two words the others. A phrase is a category and a run of steps.
    cdef const uint8_t[::1] opens, begins
    cdef uint64_t begins_factor
    cdef const int32_t[::1] alone_of, alone, gapped_of, next_of
    cdef const int64_t[::1] nexts
    cdef const int32_t[:, ::1] gapped, followed, steps
    # Of categories.
    cdef const uint16_t[::1] roles
    cdef const int8_t[::1] toward
    cdef const uint8_t[::1] bits
    cdef const int32_t[::1] reach, asserted, denied
    cdef int32_t failed, question
    cdef int counted, max_count
    cdef double prior
    # Of scores.
    cdef const float[:, ::1] words, pairs
    cdef const float[::1] intercepts
    cdef const int32_t[::1] pairs_of, seconds
    cdef const uint64_t[::1] sketch
    cdef uint64_t sketch_factor
    cdef int sketch_shift
    cdef double denied_floor, full_signs, decision
    cdef const double[::1] means
    # Of trees.
    cdef const int32_t[:, ::1] leaves
    cdef const float[:, ::1] lows, highs
    cdef const double[:, :, ::1] shares
    cdef double bias
    # Of evidence.
    cdef double max_gain, min_weight, min_word, tie
    cdef int max_evidence, max_phrase, max_bridge, max_age_words

    def __init__(self, tokens, by_pieces, **given):
        self.memory = Memory(tokens, given["max_remembered"], given["max_token"])
        self.end = tokens.end
        self.by_pieces = by_pieces
        self.kinds = given["kinds"]
        self.size = self.kinds.shape[0]
        self.opens, self.begins = given["opens"], given["begins"]
        self.begins_factor = given["begins_factor"]
        self.alone_of, self.alone = given["alone_of"], given["alone"]
        self.gapped_of, self.gapped = given["gapped_of"], given["gapped"]
        self.nexts, self.next_of, self.followed = given["nexts"], given["next_of"], given["followed"]
        self.steps = given["steps"]
        self.roles, self.toward, self.bits = given["roles"], given["toward"], given["bits"]
        self.reach = given["reach"]
        self.asserted, self.denied = given["asserted"], given["denied"]
        self.failed, self.question = given["failed"], given["question"]
        self.counted, self.max_count = given["counted"], given["max_count"]
        self.prior = given["prior"]
        self.words, self.pairs = given["words"], given["pairs"]
        self.intercepts = given["intercepts"]
        self.pairs_of, self.seconds = given["pairs_of"], given["seconds"]
        self.sketch, self.sketch_shift = given["sketch"], given["sketch_shift"]
        self.sketch_factor = given["sketch_factor"]
        self.denied_floor, self.full_signs = given["denied_floor"], given["full_signs"]
        self.decision, self.means = given["decision"], given["means"]
        self.leaves, self.shares = given["leaves"], given["shares"]
        self.lows, self.highs, self.bias = given["lows"], given["highs"], given["bias"]
        self.tie = given["tie"]
        self.max_gain, self.min_weight = given["max_gain"], given["min_weight"]
        self.min_word, self.max_evidence = given["min_word"], given["max_evidence"]
        self.max_phrase, self.max_bridge = given["max_phrase"], given["max_bridge"]
        self.max_age_words = given["max_age_words"]
        if (
            self.words.shape[1] != (BLOCKS - 1) * WIDTH
            or self.pairs.shape[1] != WIDTH
            or self.leaves.shape[1] != DEPTH
            or SCORES + self.counted > MAX_FEATURES
        ):
            raise ValueError("These tables are not of the shape that this was compiled for.")

    def see(self, str text):
        """Read a note."""
        cdef Seen seen = Seen(self)
        seen.read(text)
        return seen

    cdef int32_t pair(self, int32_t first, int32_t second) noexcept:
        """Where a pair of words stands in the table; its length if nowhere (`pairs.Pairs`)."""
        cdef uint64_t hashed = <uint64_t>(first * self.size + second) * self.sketch_factor
        cdef int32_t low = self.pairs_of[first], high = self.pairs_of[first + 1], stop = high, middle
        hashed >>= self.sketch_shift
        if not self.sketch[hashed >> 6] >> (hashed & 63) & 1:
            return <int32_t>(self.pairs.shape[0] - 1)
        while low < high:
            middle = (low + high) >> 1
            if self.seconds[middle] < second:
                low = middle + 1
            else:
                high = middle
        if low < stop and self.seconds[low] == second:
            return low
        return <int32_t>(self.pairs.shape[0] - 1)

    cdef Py_ssize_t following(self, int32_t first, int32_t second) noexcept:
        """The number of two words that phrases begin with; -1 if none does."""
        cdef int64_t key = first * self.size + second
        cdef Py_ssize_t low = 0, high = self.nexts.shape[0], middle
        if not self.begins[(first * self.begins_factor + second) & (self.begins.shape[0] - 1)]:
            return -1
        while low < high:
            middle = (low + high) >> 1
            if self.nexts[middle] < key:
                low = middle + 1
            else:
                high = middle
        return low if low < self.nexts.shape[0] and self.nexts[low] == key else -1


cdef class Seen:
    """What is seen of a note.

    Attributes:
        counts: What `document.Counts` holds, in its order.
        margin: In log-odds, not calibrated.
        register: How much it reads like a referral, 0 to 1.
    """

    cdef Kernel model
    cdef Place *places
    cdef int64_t *row_marks
    cdef Py_ssize_t size, rows, clause_from
    cdef int64_t taken, clause
    cdef Match *matches
    cdef Py_ssize_t found, room
    cdef Term *terms
    cdef Py_ssize_t term_mask
    cdef Cue *cues
    cdef Py_ssize_t cue_count
    cdef int32_t letters, exotic
    cdef list lost, asked
    # Of words that the vocabulary lacks: what their pieces add, by their numbers in this note.
    cdef dict own
    cdef list own_pieces
    # What an evaluation leaves for the weights of words.
    cdef double lengths[BLOCKS]
    cdef double scores[SCORES]
    cdef double gates[SCORES]
    cdef double starts[SCORES]
    cdef float values[MAX_FEATURES]
    cdef double added[MAX_FEATURES]
    cdef readonly object counts
    cdef readonly double margin, register
    cdef double referral

    def __cinit__(self, Kernel model):
        self.model = model
        self.lost, self.asked = [], []

    def __dealloc__(self):
        free(self.places)
        free(self.row_marks)
        free(self.terms)
        free(self.matches)
        free(self.cues)

    cdef int _part_into_words(self, str text) except -1:
        """The words, where each starts, and its clause (`Reader.read`)."""
        cdef Memory memory = self.model.memory
        cdef str whole = spaced(text)
        cdef Py_ssize_t length = len(whole), index, start = 0, tokens = 0, count = 0, room = 1
        cdef uint64_t hash = 0
        cdef Py_UCS4 letter
        cdef list own = []
        cdef bytes rows
        cdef Found *found
        for index in range(length):
            room += whole[index] == u" "
        found = <Found *>calloc(room + 1, sizeof(Found))
        if not found:
            raise MemoryError
        try:
            for index in range(length + 1):
                letter = whole[index] if index < length else u" "
                if letter != u" ":
                    hash = (hash ^ <uint64_t>letter) * 0x9E3779B97F4A7C15ULL
                    continue
                memory.look(whole, start, index - start, hash, own, &found[tokens])
                count += found[tokens].rows
                tokens += 1
                start, hash = index + 1, 0
            own.append(self.model.end)
            found[tokens].where, found[tokens].rows = -<int64_t>len(own), 1
            self._make_room(count + 1)
            for index in range(tokens + 1):
                if found[index].where < 0:
                    rows = own[-found[index].where - 1]
                    self._add(<const int64_t *>PyBytes_AS_STRING(rows), found[index].rows)
                else:
                    self._add(&memory.kept[found[index].where], found[index].rows)
        finally:
            free(found)
        for index in range(self.clause_from, self.size):
            self.places[index].stop = <int32_t>self.size
        return 0

    cdef int _make_room(self, Py_ssize_t count) except -1:
        """For so many words."""
        # One more than there can be words, for who looks one ahead.
        self.places = <Place *>calloc(count + 1, sizeof(Place))
        self.row_marks = <int64_t *>calloc(count + 1, sizeof(int64_t))
        # Each word is a term, and each pair of words.
        self.term_mask = 64
        while self.term_mask < 3 * count:
            self.term_mask *= 2
        self.terms = <Term *>calloc(self.term_mask, sizeof(Term))
        self.term_mask -= 1
        self.clause = -1
        if not self.places or not self.row_marks or not self.terms:
            raise MemoryError
        return 0

    cdef void _add(self, const int64_t *row, int32_t rows) noexcept:
        """Add the words of a token."""
        cdef Py_ssize_t place
        cdef int64_t where
        cdef Place *word
        for _ in range(rows):
            self.taken += row[TAKEN]
            self.row_marks[self.rows] = row[MARKS]
            if row[WORD] >= 0:
                word = &self.places[self.size]
                where = self.taken - row[REST]
                word.number, word.mark = <int32_t>row[WORD], row[MARKS]
                word.length, word.row = <int32_t>row[LENGTH], <int32_t>self.rows
                word.where = where & ((<int64_t>1 << ENDS) - 1)
                if where >> ENDS != self.clause:
                    for place in range(self.clause_from, self.size):
                        self.places[place].stop = <int32_t>self.size
                    self.clause, self.clause_from = where >> ENDS, self.size
                word.start = <int32_t>self.clause_from
                self.size += 1
            self.rows += 1
            row += COLUMNS

    cdef int read(self, str text) except -1:
        """All that is seen before anybody asks for phrases."""
        cdef double margin
        self._part_into_words(text)
        self._look()
        self._find()
        self._assert()
        failed = self._share_out()
        self._name_lost(text)
        self._count()
        margin = self._evaluate(False)
        self.register = self.referral
        if failed and self._evaluate(True) > margin:
            return 0
        if failed:
            self._evaluate(False)
        return 0

    cdef int _look(self) except -1:
        """The words for which those around them count (`reading._Seen`)."""
        cdef Py_ssize_t row, place = 0, after
        cdef int64_t mark, bits, values
        cdef int side
        for row in range(self.rows):
            while place < self.size and self.places[place].row < row:
                place += 1
            mark = self.row_marks[row]
            if not mark & SPECIAL:
                continue
            if mark & LOST:
                self.lost.append(place)
                self.letters += (mark & LETTER) != 0
                self.exotic += (mark & EXOTIC) != 0
            for side in range(2):
                after, bits = place + side, mark >> (AFTER if side else BEFORE)
                if bits & COLON and after > 0:
                    self._set_heading_aside(after)
                if bits & QUESTION and after > 0 and (
                    not self.asked or self.asked[len(self.asked) - 1] != after
                ):
                    self.asked.append(after)
            if mark & TITLE:
                self._set_name_aside(row, place + 1)
            if mark & GRADE:
                values = self.places[place + 1].mark >> MORE
                if values:
                    self.places[place + 1].number = <int32_t>(values & 255)
            if mark & (MM | CM) and place:
                values = self.places[place - 1].mark >> MORE
                if values:
                    values = values >> (8 if mark & MM else 16)
                    self.places[place - 1].number = <int32_t>(values & 255)
        return 0

    cdef void _set_name_aside(self, Py_ssize_t title, Py_ssize_t name) noexcept:
        """A name after a title, initials included, unless a comma stands between them."""
        cdef int64_t gap = self.row_marks[title] >> AFTER
        cdef Py_ssize_t row
        for row in range(title + 1, self.places[name].row + 1):
            gap |= self.row_marks[row] >> BEFORE
        if gap & (COMMA | CLAUSE) == COMMA:
            return
        # The end of a note is no name.
        while not self.places[name].mark & END:
            self.places[name].aside = True
            if not self.places[name + 1].mark & INITIAL:
                return
            name += 1

    cdef void _set_heading_aside(self, Py_ssize_t colon) noexcept:
        """A clause of heading words alone that ends in a colon, before the word `colon`."""
        cdef Py_ssize_t place
        cdef Place *last = &self.places[colon - 1]
        for place in range(last.start, last.stop):
            if not self.places[place].mark & HEADING:
                return
        for place in range(last.start, last.stop):
            self.places[place].aside = True

    cdef int _add_match(self, int32_t category, int32_t first, int32_t last) except -1:
        cdef Match *more
        if self.found == self.room:
            self.room = 2 * self.room + 64
            more = <Match *>realloc(self.matches, self.room * sizeof(Match))
            if not more:
                raise MemoryError
            self.matches = more
        self.matches[self.found].category = category
        self.matches[self.found].first = first
        self.matches[self.found].last = last
        self.found += 1
        return 0

    cdef int _find(self) except -1:
        """Every phrase (`lexicon.Matcher.find`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t index, entry, follows
        cdef int32_t word, category
        cdef bint joined
        # Per category the last word that a match of it covers, plus one.
        cdef int32_t *reach = <int32_t *>calloc(model.roles.shape[0], sizeof(int32_t))
        if not reach:
            raise MemoryError
        try:
            for index in range(self.size):
                word = self.places[index].number
                if index + 1 < self.places[index].stop:
                    follows = model.following(word, self.places[index + 1].number)
                    if follows >= 0:
                        for entry in range(model.next_of[follows], model.next_of[follows + 1]):
                            self._longer(&model.followed[entry, 0], index, index + 2, reach)
                if not model.opens[word]:
                    continue
                for entry in range(model.gapped_of[word], model.gapped_of[word + 1]):
                    self._longer(&model.gapped[entry, 0], index, index + 1, reach)
                for entry in range(model.alone_of[word], model.alone_of[word + 1]):
                    category = model.alone[entry]
                    if reach[category] <= index:
                        reach[category] = <int32_t>index + 1
                        self._add_match(category, <int32_t>index, <int32_t>index)
        finally:
            free(reach)
        return 0

    cdef int _longer(
        self, const int32_t *entry, Py_ssize_t first, Py_ssize_t at, int32_t *reach
    ) except -1:
        """Add the match of a phrase of more than one word that begins at `first`, if it is one."""
        cdef Kernel model = self.model
        cdef int32_t category = entry[0]
        cdef Py_ssize_t step, place, end = self.places[first].stop
        if reach[category] > first:
            return 0
        for step in range(entry[1], entry[2]):
            for place in range(at, min(at + model.steps[step, 2] + 1, end)):
                if model.steps[step, 0] <= self.places[place].number < model.steps[step, 1]:
                    at = place + 1
                    break
            else:
                return 0
        reach[category] = <int32_t>at
        return self._add_match(category, <int32_t>first, <int32_t>at - 1)

    cdef void _part(self) noexcept:
        """Where the part between commas begins that a word is in (`reading._after_commas`)."""
        cdef Py_ssize_t index, row = 0, begin = 0
        cdef int64_t after = 0
        cdef Place *word
        for index in range(self.size):
            word = &self.places[index]
            # The gap before a word: of the rows since the last one, and what ends that one.
            while row < word.row:
                after |= self.row_marks[row] >> BEFORE | self.row_marks[row] >> AFTER
                row += 1
            if (after | self.row_marks[row] >> BEFORE) & COMMA:
                begin = index
            word.part = <int32_t>max(begin, word.start)
            after = self.row_marks[row] >> AFTER
            row += 1

    cdef int _assert(self) except -1:
        """What is asserted of each word (`assertions.Assertions.apply`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t number, other, place, start, stop
        cdef Match match, earlier
        cdef uint16_t role
        cdef uint8_t bit
        cdef bint joined
        self._part()
        for number in range(self.found):
            match = self.matches[number]
            role = model.roles[match.category]
            if role & PSEUDO:
                for place in range(match.first, match.last + 1):
                    self.places[place].pseudo = True
            if role & STATES:
                self.places[self.places[match.first].part].states = True
        for number in range(self.found):
            match = self.matches[number]
            role = model.roles[match.category]
            if not role & RULE or (
                self.places[match.first].pseudo and self.places[match.last].pseudo
            ):
                continue
            bit = model.bits[match.category]
            if role & PRECEDES:
                stop = match.first
                start = max(stop - model.reach[match.category], self.places[match.first].start)
                # The last ending before it that stands in reach, and whether its part is joined to
                # the one before: matches come in order.
                joined = False
                place = self.places[match.first].part
                for other in range(number - 1, -1, -1):
                    earlier = self.matches[other]
                    if earlier.first < start:
                        break
                    role = model.roles[earlier.category]
                    if earlier.first < stop and role & ENDING:
                        start = earlier.first + 1
                        break
                for other in range(number - 1, -1, -1):
                    earlier = self.matches[other]
                    if earlier.first < place:
                        break
                    joined |= earlier.first < stop and (
                        model.roles[earlier.category] & JOINS
                    ) != 0
                if not joined:
                    start = max(start, place)
            else:
                start = match.last + 1
                stop = min(start + model.reach[match.category], self.places[match.first].stop)
                for other in range(number + 1, self.found):
                    earlier = self.matches[other]
                    if earlier.first >= stop:
                        break
                    if earlier.first >= start and model.roles[earlier.category] & ENDING:
                        stop = earlier.first
                        break
                for place in range(start, stop):
                    if self.places[place].states:
                        stop = place
                        break
            for place in range(start, stop):
                self.places[place].bits |= bit
        return 0

    cdef bint _share_out(self) except -1:
        """Keep what is no trigger; whether a treatment failed (`Reader._share_out`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t number, kept = 0, place
        cdef Match match
        cdef uint16_t role
        cdef bint failed = False
        for number in range(self.found):
            match = self.matches[number]
            role = model.roles[match.category]
            if role & TRIGGER or (self.places[match.first].aside and role & CUE):
                continue
            self.matches[kept] = match
            kept += 1
            if match.category == model.failed and not self.places[match.first].bits & OFF:
                failed = True
                for place in range(self.places[match.first].start, self.places[match.first].stop):
                    self.places[place].failed = True
        self.found = kept
        if model.question >= 0:
            for after in self.asked:
                self._add_match(model.question, <int32_t>after - 1, <int32_t>after - 1)
        return failed

    cdef int _name_lost(self, str text) except -1:
        """Number the words that the vocabulary lacks, and learn what their pieces add."""
        cdef Py_ssize_t place
        cdef int64_t where
        self.own, self.own_pieces = {}, []
        for place in self.lost:
            if self.places[place].aside:
                continue
            where = self.places[place].where
            name, pieces = self.model.by_pieces(text, where, where + self.places[place].length)
            number = self.own.get(name)
            if number is None:
                number = self.own[name] = len(self.own) + 1
                self.own_pieces.append(pieces)
            self.places[place].own = number
        return 0

    cdef int _count(self) except -1:
        """What `document.Counts` holds."""
        cdef Kernel model = self.model
        cdef Py_ssize_t index, place, first
        cdef Match match
        cdef uint16_t kind, role
        cdef Place *word
        cdef int known = 0, english = 0, foreign = 0, elsewhere = 0, said = 0, aged = 0, apart = 0
        cdef int signs = 0, discharged = 0, others = 0, different = 0, about_else = 0
        cdef int prescribing = 0, findings = 0
        cdef uint8_t *once = <uint8_t *>calloc(model.roles.shape[0], 1)
        if not once:
            raise MemoryError
        for index in range(self.found):
            match = self.matches[index]
            role = model.roles[match.category]
            if role & CLINICAL_CUE:
                for place in range(match.first, match.last + 1):
                    self.places[place].clinical = True
            if not once[match.category]:
                once[match.category] = True
                signs += (role & OPERATIVE) != 0
                discharged += (role & DISCHARGE) != 0
                others += not role & (OPERATIVE | DISCHARGE)
        free(once)
        memset(self.terms, 0, (self.term_mask + 1) * sizeof(Term))
        for index in range(self.size):
            word = &self.places[index]
            kind = model.kinds[word.number]
            word.aged |= (kind & AGED) != 0
            known += (kind & KNOWN) != 0
            english += (kind & ENGLISH) != 0
            foreign += (kind & FOREIGN) != 0
            apart += (word.mark & APART) != 0
            prescribing += (kind & PRESCRIBING) != 0
            if kind & ELSEWHERE:
                elsewhere += 1
                about_else += self._first(2 * word.number)
            word.clinical |= (kind & CLINICAL) != 0
            word.clinical &= not word.aside and not kind & OFFICE
            if word.clinical:
                said += 1
                if self._first(2 * word.number + 1):
                    different += 1
                    findings += not kind & DOSING
            if kind & PERSON:
                first = index
                while first and index - first < model.max_age_words and (
                    model.kinds[self.places[first - 1].number] & AGE
                ):
                    first -= 1
                if first and model.kinds[self.places[first - 1].number] & NUMERIC:
                    for place in range(first - 1, index + 1):
                        self.places[place].aged = True
        for index in range(self.size):
            aged += self.places[index].clinical or self.places[index].aged
        self.counts = Counts(
            known, english, foreign, elsewhere, self.letters, self.exotic, signs, discharged,
            others, different, said, aged, about_else, prescribing, findings, apart,
        )
        return 0

    cdef Term *_term(self, int32_t number) noexcept:
        """The term of a number in this note, or the room for it."""
        cdef Py_ssize_t slot = (<uint64_t>number * 0x9E3779B97F4A7C15ULL >> 40) & self.term_mask
        while self.terms[slot].places and self.terms[slot].number != number:
            slot = (slot + 1) & self.term_mask
        return &self.terms[slot]

    cdef bint _first(self, int32_t number) noexcept:
        """Take a number; whether it is the first of its kind."""
        cdef Term *term = self._term(number)
        term.number = number
        term.places += 1
        return term.places == 1

    cdef double _evaluate(self, bint without) except? -1:
        """The margin, and what the weights of words come from (`features.find_features`).

        Args:
            without: Leave out clauses that tell of a treatment that failed
                (`Reading.without_failures`).
        """
        cdef double balance, signs
        self._score(without)
        self._read_cues(without, &balance, &signs)
        self._gate(balance, signs)
        self._climb()
        return self.margin

    cdef void _score(self, bint without) noexcept:
        """The linear scores (`scores.Scores.read`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t index
        cdef int block, score
        cdef int64_t own_from = model.words.shape[0] - 1
        cdef int32_t pairs_from = <int32_t>(own_from + len(self.own))
        cdef int32_t number, none = <int32_t>(model.pairs.shape[0] - 1)
        cdef Place *word
        cdef Term *term
        cdef const float *row
        cdef bint aside, after
        cdef double sums[BLOCKS][WIDTH]
        memset(sums, 0, sizeof(sums))
        memset(self.terms, 0, (self.term_mask + 1) * sizeof(Term))
        for index in range(self.size):
            word = &self.places[index]
            word.word = word.pair = -1
            word.again = False
            aside = word.aside or (without and word.failed)
            if aside:
                continue
            number = -1
            if word.own:
                number = <int32_t>own_from + word.own - 1
            elif model.kinds[word.number] & CONTENT:
                number = word.number
                if word.bits & NEGATED:
                    number += <int32_t>model.size
                elif word.bits & OTHER:
                    number += 2 * <int32_t>model.size
            if number >= 0:
                term = self._term(number)
                word.word = <int32_t>(term - self.terms)
                term.number = number
                term.places += 1
                if term.places == 1 and not word.own:
                    row = &model.words[number, 0]
                    for block in range(PIECES):
                        for score in range(WIDTH):
                            sums[block][score] += row[block * WIDTH + score]
            after = self.places[index + 1].aside or (without and self.places[index + 1].failed)
            if index + 1 < word.stop and not after:
                number = model.pair(word.number, self.places[index + 1].number)
                if number != none:
                    row = &model.pairs[number, 0]
                    term = self._term(pairs_from + number)
                    word.pair = <int32_t>(term - self.terms)
                    term.number = pairs_from + number
                    term.places += 1
                    if term.places == 1:
                        for score in range(WIDTH):
                            sums[PAIRS][score] += row[score]
        for index in range(self.size):
            word = &self.places[index]
            if word.word < 0:
                continue
            term = &self.terms[word.word]
            if word.bits & OFF and not word.own:
                # A word that is denied or another's here, but not everywhere, has its pieces once.
                number = term.number - <int32_t>model.size
                word.again = number >= 0 and self._term(number).places > 0
                number -= <int32_t>model.size
                word.again |= number >= 0 and self._term(number).places > 0
            if not term.added and not word.again:
                term.added = True
                row = self._pieces(word, term)
                for score in range(WIDTH):
                    sums[PIECES][score] += row[score]
        for block in range(BLOCKS):
            self.lengths[block] = max(
                sums[block][SCORES], model.denied_floor if block == DENIED_MEANINGS else 1e-9
            )
            if block == 0 or block >= PIECES:
                self.lengths[block] = sqrt(self.lengths[block])
        for score in range(SCORES):
            self.scores[score] = model.intercepts[score]
            for block in range(BLOCKS):
                self.scores[score] += sums[block][score] / self.lengths[block]

    cdef const float *_pieces(self, Place *word, Term *term) noexcept:
        """What the pieces of a word add, and their length."""
        if word.own:
            return <const float *>PyBytes_AS_STRING(self.own_pieces[word.own - 1])
        return &self.model.words[term.number, PIECES * WIDTH]

    cdef int _read_cues(self, bint without, double *balance, double *signs) except -1:
        """The features after the scores (`features.cue_features`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t number, features = SCORES + model.counted
        cdef Match match
        cdef bint off
        cdef int32_t feature
        cdef int sign, total = 0, signed = 0
        cdef uint8_t *told = <uint8_t *>calloc(model.roles.shape[0], 1)
        if not self.cues:
            self.cues = <Cue *>calloc(self.found + 1, sizeof(Cue))
        if not told or not self.cues:
            free(told)
            raise MemoryError
        signs[0] = 0.0
        self.cue_count = 0
        memset(self.values, 0, features * sizeof(float))
        for number in range(self.found):
            match = self.matches[number]
            if without and self.places[match.first].failed and match.category != model.failed:
                continue
            if model.roles[match.category] & OPERATIVE:
                if not told[match.category]:
                    told[match.category] = True
                    signs[0] += 1.0
                continue
            off = (self.places[match.first].bits & OFF) != 0
            feature = (model.denied if off else model.asserted)[match.category]
            if feature < 0 or self.values[SCORES + feature] >= model.max_count:
                continue
            self.values[SCORES + feature] += 1.0
            sign = -model.toward[match.category] if off else model.toward[match.category]
            total += sign
            signed += abs(sign)
            self.cues[self.cue_count].first = match.first
            self.cues[self.cue_count].last = match.last
            self.cues[self.cue_count].feature = feature
            self.cues[self.cue_count].sign = sign
            self.cue_count += 1
        free(told)
        balance[0] = total / (signed + model.prior)
        self.values[SCORES] = <float>balance[0]
        self.values[features - 1] = <float>signs[0]
        return 0

    cdef void _gate(self, double balance, double signs) noexcept:
        """How far each score counts, and where boosting starts from (`gating.gate`)."""
        cdef double note, told = min(signs, self.model.full_signs) / self.model.full_signs
        cdef int score
        self.referral = 1.0 / (1.0 + exp(-self.scores[SCORES - 1]))
        note = 1.0 - self.referral
        self.gates[0], self.gates[1], self.gates[2] = self.referral, note, note
        self.gates[3] = self.gates[4] = 1.0
        self.starts[0], self.starts[1] = self.referral, note
        self.starts[2], self.starts[3] = self.model.decision * note, note * told
        self.starts[4] = 0.0
        self.margin = self.referral * balance
        for score in range(SCORES):
            self.values[score] = <float>(self.gates[score] * self.scores[score])
            self.margin += self.starts[score] * self.scores[score]

    cdef void _climb(self) noexcept:
        """What the trees make of each feature, and of the margin (`trees.Trees`)."""
        cdef Kernel model = self.model
        cdef Py_ssize_t leaf, features = SCORES + model.counted
        cdef int place, pattern
        cdef float value
        memset(self.added, 0, features * sizeof(double))
        for leaf in range(model.leaves.shape[0]):
            pattern = 0
            for place in range(DEPTH):
                value = self.values[model.leaves[leaf, place]]
                pattern |= (
                    value >= model.lows[leaf, place] and value < model.highs[leaf, place]
                ) << place
            for place in range(DEPTH):
                self.added[model.leaves[leaf, place]] += model.shares[leaf, pattern, place]
        self.margin += model.bias
        for place in range(features):
            self.margin += self.added[place]

    cdef void _weigh(self) noexcept:
        """Log-odds on every word, not calibrated (`evidence.word_weights`)."""
        cdef Kernel model = self.model
        cdef double factors[BLOCKS][SCORES]
        cdef double gain, distance, weight, whole, start
        cdef int block, score, signed = 0
        cdef Py_ssize_t index, place
        cdef const float *row
        cdef Place *word
        cdef Term *term
        cdef Cue cue
        cdef int32_t pairs_from = <int32_t>(model.words.shape[0] - 1 + len(self.own))
        for score in range(SCORES):
            distance = self.values[score] - model.means[score]
            gain = self.added[score] / distance if distance else 0.0
            # The register is no finding.
            gain = 0.0 if score == SCORES - 1 else min(max(gain, 0.0), model.max_gain)
            for block in range(BLOCKS):
                factors[block][score] = (
                    self.starts[score] + self.gates[score] * gain
                ) / self.lengths[block]
        for index in range(self.size):
            self.places[index].weight = 0.0
        for index in range(self.size):
            word = &self.places[index]
            if word.word >= 0:
                term = &self.terms[word.word]
                weight = 0.0
                if not word.own:
                    row = &model.words[term.number, 0]
                    for block in range(PIECES):
                        for score in range(SCORES):
                            weight += row[block * WIDTH + score] * factors[block][score]
                if not word.again:
                    row = self._pieces(word, term)
                    for score in range(SCORES):
                        weight += row[score] * factors[PIECES][score]
                word.weight += weight / term.places
            if word.pair >= 0:
                term = &self.terms[word.pair]
                row = &model.pairs[term.number - pairs_from, 0]
                weight = 0.0
                for score in range(SCORES):
                    weight += row[score] * factors[PAIRS][score]
                # A pair is of both its words.
                weight /= 2 * term.places
                word.weight += weight
                self.places[index + 1].weight += weight
        for index in range(self.cue_count):
            signed += abs(self.cues[index].sign)
        start = self.referral / (signed + model.prior)
        for index in range(self.cue_count):
            cue = self.cues[index]
            whole = self.added[SCORES + cue.feature] / self.values[SCORES + cue.feature]
            whole += start * cue.sign + self.added[SCORES] / max(signed, 1) * abs(cue.sign)
            for place in range(cue.first, cue.last + 1):
                self.places[place].weight += whole / (cue.last + 1 - cue.first)

    def phrases(self, double slope):
        """The strongest phrases of the note (`evidence.phrases`).

        Args:
            slope: Of the calibration.

        Returns:
            Of each its weight, where it starts and ends in the text, and what most of it is:
            `NEGATED`, `OTHER` or 0.
        """
        cdef Kernel model = self.model
        cdef list found = []
        cdef Py_ssize_t index, before = -1, count = 0, rank, best, start, end
        cdef double weight, last_weight = 0.0
        cdef Place *word
        cdef Phrase *runs
        cdef Phrase run
        self._weigh()
        runs = <Phrase *>calloc(self.size + 1, sizeof(Phrase))
        if not runs:
            raise MemoryError
        for index in range(self.size):
            weight = self.places[index].weight * slope
            if fabs(weight) < model.min_word:
                continue
            if (
                before < 0
                or (weight > 0) != (last_weight > 0)
                or index - before > model.max_bridge
                or self.places[index].start != self.places[before].start
                or index - runs[count - 1].first >= model.max_phrase
            ):
                runs[count].first = <int32_t>index
                count += 1
            runs[count - 1].last = <int32_t>index
            runs[count - 1].weight += weight
            before, last_weight = index, weight
        for rank in range(min(count, model.max_evidence)):
            best = rank
            for index in range(rank + 1, count):
                # Of phrases that weigh the same the first one is first.
                if fabs(runs[index].weight) > fabs(runs[best].weight) + model.tie:
                    best = index
            run = runs[best]
            if fabs(run.weight) < model.min_weight:
                break
            # What is passed over keeps its order.
            for index in range(best, rank, -1):
                runs[index] = runs[index - 1]
            runs[rank] = run
            word = &self.places[run.last]
            start, end = self.places[run.first].where, word.where + word.length
            found.append((run.weight, start, end, self._asserted(run.first, run.last)))
        free(runs)
        return found

    cdef int _asserted(self, Py_ssize_t first, Py_ssize_t last) noexcept:
        """What most of a phrase is, other than present."""
        cdef int denied = 0, others = 0
        cdef Py_ssize_t index
        for index in range(first, last + 1):
            denied += (self.places[index].bits & NEGATED) != 0
            others += (self.places[index].bits & OTHER) != 0
        if 2 * denied > last + 1 - first:
            return NEGATED
        return OTHER if 2 * others > last + 1 - first else 0
