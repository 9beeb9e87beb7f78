/*-------------------------------------------------------------------------
 *
 * store_evidence.c
 *		The store's evidence of statements.
 *
 * One lock, by the rules at the top of store.c: on a statement's way it is
 * only tried, and what cannot be added then is dropped and counted.  Evidence
 * is a sample, so a little less of it does no harm.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "evidence.h"
#include "store.h"

#define LOCK()	pgd_store_lock(PGD_STORE_EVIDENCE)

/*
 * Is another example of this statement of use?
 */
bool
pgd_store_wants_example(const PgdKey *key, bool slow)
{
	bool		wanted;

	if (!pgd_store_lock_patiently(LOCK(), LW_SHARED))
		return false;
	wanted = pgd_evidence_wants(pgd_evidence_find(key), slow,
								GetCurrentStatementStartTimestamp());
	LWLockRelease(LOCK());
	return wanted;
}

void
pgd_store_add_example(const PgdKey *key, uint64 hash, TimestampTz taken_at,
					  const char *data, int len)
{
	PgdEvidenceEntry *entry;

	if (!pgd_store_lock_patiently(LOCK(), LW_EXCLUSIVE))
	{
		pgd_evidence_count_busy();
		return;
	}
	entry = pgd_evidence_get(key, taken_at);
	if (entry != NULL)
		pgd_evidence_put_example(entry, hash, taken_at, data, len);
	LWLockRelease(LOCK());
}

/*
 * Add what one execution has shown.
 */
void
pgd_store_add_evidence(const PgdEvidence *more)
{
	PgdEvidenceEntry *entry;

	if (!pgd_store_lock_patiently(LOCK(), LW_EXCLUSIVE))
	{
		pgd_evidence_count_busy();
		return;
	}
	entry = pgd_evidence_get(&more->key, more->last_seen);
	if (entry != NULL)
		pgd_evidence_add(&entry->evidence, more);
	LWLockRelease(LOCK());
}

/*
 * Copy an entry and its examples; false if it is not in use.
 */
static bool
copy_entry(const PgdEvidenceEntry *entry, PgdEvidence *evidence,
		   char *buffer, PgdExampleBytes *examples, int *nexamples)
{
	int			n = 0;
	bool		in_use;

	LWLockAcquire(LOCK(), LW_SHARED);
	in_use = entry->in_use;
	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES && in_use; i++)
	{
		examples[n].data = buffer + n * PGD_EXAMPLE_MAX;
		examples[n].len =
			pgd_evidence_copy_example(entry, i, buffer + n * PGD_EXAMPLE_MAX);
		examples[n].hash = entry->examples[i].hash;
		examples[n].taken_at = entry->examples[i].taken_at;
		if (examples[n].len > 0)
			n++;
	}
	if (in_use)
		*evidence = entry->evidence;
	LWLockRelease(LOCK());
	*nexamples = n;
	return in_use;
}

/*
 * Visit the evidence of all statements, each as of the time it is visited.
 * No lock is held while visiting.
 */
void
pgd_store_read_evidence(PgdEvidenceVisitor visit, void *arg)
{
	PgdEvidenceEntry *first;
	PgdEvidence evidence;
	PgdExampleBytes examples[PGD_EVIDENCE_EXAMPLES];
	char	   *buffer = palloc(PGD_EVIDENCE_EXAMPLES * PGD_EXAMPLE_MAX);
	int			n = pgd_evidence_entries(&first);

	for (int i = 0; i < n; i++)
	{
		int			nexamples;

		CHECK_FOR_INTERRUPTS();
		if (copy_entry(&first[i], &evidence, buffer, examples, &nexamples))
			visit(&evidence, examples, nexamples, arg);
	}
	pfree(buffer);
}

/*
 * Forget evidence; InvalidOid or 0 stands for any.
 */
void
pgd_store_reset_evidence(Oid userid, Oid dbid, uint64 queryid)
{
	PgdEvidenceEntry *entry;
	int			n;

	LWLockAcquire(LOCK(), LW_EXCLUSIVE);
	for (n = pgd_evidence_entries(&entry); n > 0; n--, entry++)
	{
		const PgdKey *key = &entry->evidence.key;

		if (entry->in_use && (!OidIsValid(userid) || key->userid == userid) &&
			(!OidIsValid(dbid) || key->dbid == dbid) &&
			(queryid == 0 || key->queryid == queryid))
			pgd_evidence_free(entry);
	}
	if (!OidIsValid(userid) && !OidIsValid(dbid) && queryid == 0)
		pgd_evidence_forget_counts();
	LWLockRelease(LOCK());
}

void
pgd_store_status_of_evidence(PgdEvidenceStatus *status)
{
	LWLockAcquire(LOCK(), LW_SHARED);
	pgd_evidence_status(status);
	LWLockRelease(LOCK());
}
