# rules.mk - the archives under test and the fuzz targets, in the folder where make is called
#
# For tests/fuzz/run and tests/fuzz/afl alone: compilers and flags of their own, nothing of the tree
# is touched, and it need not be configured.
#
#   TOP        the tree
#   SANITIZE   -fsanitize=... for all of it; targets have the fuzzer's main() as well
#
# SPDX-License-Identifier: ISC
CC = clang
SANITIZE =
OPTIMIZE = -O1 -g -fno-omit-frame-pointer
INIH_LIBS = -l:libinih.a
MD_LIBS = -l:libmd.a
LIBS = $(INIH_LIBS) $(MD_LIBS)
WARN = -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wcast-qual -Wundef -Wvla -Werror
CPPFLAGS = -D_GNU_SOURCE -DSANDBOX_SECCOMP=0 -DSANDBOX_LANDLOCK=0 -DPACKAGE_VERSION='"0"' -I$(TOP)/src \
	-DRESTANTE_CONF='"/nonexistent/restante.conf"' -DRESTANTE_EMPTY='"/var/empty"' \
	-DRESTANTE_TLS='"/nonexistent/restante-tls"' -DRESTANTE_RUN='"/nonexistent/keys"'
FLAGS = $(OPTIMIZE) $(SANITIZE) -fno-sanitize-recover=all -fno-strict-aliasing

layers = pop tls net mail auth conf sys base
left_out = %/mkfilter.c %/restante.c %/restante_tls.c %/restantectl.c
of = $(patsubst $(TOP)/src/%.c,src/%.o,$(filter-out $(left_out),$(wildcard $(TOP)/src/$(1)/*.c)))
archives = libprog.a $(layers:%=lib%.a)
shared = fuzz reference forged foreign
targets = $(filter-out $(shared),$(patsubst $(TOP)/tests/fuzz/%.c,%,$(wildcard $(TOP)/tests/fuzz/*.c)))
# what only the linker has to know of a target
link = $(shell sed -n 's/^ \* link: //p' $(TOP)/tests/fuzz/$(1).c)

all: $(targets)

src/%.o: $(TOP)/src/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(FLAGS) -MMD -c -o $@ $<

fuzz/%.o: $(TOP)/tests/fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(TOP)/tests/fuzz $(FLAGS) $(WARN) -MMD -c -o $@ $<

define archive
lib$(1).a: $(call of,$(1))
	rm -f $$@
	$(AR) cr $$@ $$^
endef
$(foreach l,prog $(layers),$(eval $(call archive,$(l))))

$(targets): %: fuzz/%.o $(shared:%=fuzz/%.o) $(archives)
	$(CC) $(FLAGS) -fsanitize=fuzzer $(FOREIGN) -o $@ $< $(shared:%=fuzz/%.o) $(archives) $(LIBS) \
		$(call link,$@)

# the whole program
restante: src/prog/restante.o $(archives)
	$(CC) $(FLAGS) -o $@ $< $(archives) $(LIBS)

-include $(wildcard src/*/*.d fuzz/*.d)
.SECONDARY:
