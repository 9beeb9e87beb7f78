# pg_diagnose/Makefile
#
# No list of files is kept here: a C file in src/ (or in a folder of src/), an
# SQL fragment in src/sql/, a regression test in sql/, a spec in
# test/isolation/specs/ and a TAP test in test/t/ are found by being there.

EXTENSION = pg_diagnose
MODULE_big = pg_diagnose
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" pg_diagnose.control)

OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DETECTORS = $(sort $(wildcard src/detectors/*.c))
FRAGMENTS = $(sort $(wildcard src/sql/*.sql src/sql/50_rules/*.sql))

DATA_built = pg_diagnose--$(EXTVERSION).sql
EXTRA_CLEAN = pg_diagnose--*.sql src/detectorlist.h .built-for .deps

PG_CPPFLAGS = -Isrc -DPGD_VERSION='"$(EXTVERSION)"'
# The server's own headers are not clean under these three.
PG_CFLAGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=pg_stat_statements --load-extension=pg_diagnose
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=test/isolation \
	--load-extension=pg_stat_statements --load-extension=pg_diagnose
TAP_TESTS = 1
PROVE_TESTS = test/t/*.pl

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(wildcard $(PGXS)),)
include $(PGXS)

# PGXS does not track headers; every object depends on all of them.  Objects of
# another major or of other options do not fit, so they are remade too: the
# file is rewritten only when what it says changes.
$(OBJS) $(OBJS:.o=.bc): $(wildcard src/*.h src/*/*.h) pg_diagnose.control .built-for

# A detector is known by its file; the list changes only when they do.
$(OBJS) $(OBJS:.o=.bc): src/detectorlist.h
src/detectorlist.h: FORCE
	@printf 'PGD_DETECTOR(%s)\n' $(patsubst src/detectors/%.c,%,$(DETECTORS)) > $@.tmp
	@cmp -s $@.tmp $@ && rm $@.tmp || mv $@.tmp $@

.built-for: FORCE
	@echo '$(VERSION) $(CFLAGS)' | cmp -s - $@ || echo '$(VERSION) $(CFLAGS)' > $@
.PHONY: FORCE

# The install script is the fragments in the order of their names.
pg_diagnose--$(EXTVERSION).sql: $(FRAGMENTS) pg_diagnose.control
	(printf '%s\n\n' '\echo Use "CREATE EXTENSION pg_diagnose" to load this file. \quit'; \
	 cat $(FRAGMENTS)) > $@.tmp
	mv $@.tmp $@

else
all install installcheck clean:
	@echo "$(PG_CONFIG) names no server with its development files;" >&2
	@echo "run test/setup.sh, or set PG_CONFIG" >&2
	@exit 1
endif

# These set up what they need, hence work where there is no server yet.
test:
	@test/run.sh
lint:
	@test/lint.sh
demo:
	@test/setup.sh test/demo.sh
bench:
	@test/installed.sh test/bench/overhead.sh
.PHONY: all install installcheck clean test lint demo bench
