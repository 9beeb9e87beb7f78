/*-------------------------------------------------------------------------
 *
 * settings.h
 *		Marks of the server's settings, and a digest of all of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SETTINGS_H
#define PGD_SETTINGS_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_settings_look(void);

PGD_END_INTERNAL

#endif							/* PGD_SETTINGS_H */
