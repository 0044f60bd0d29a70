# The parts of the transcript driver.
#
# SPDX-License-Identifier: ISC
