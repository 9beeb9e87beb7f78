/*-------------------------------------------------------------------------
 *
 * ddl.h
 *		Marks of what changes how statements run, or what they do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_DDL_H
#define PGD_DDL_H

#include "pg_diagnose.h"

#include "access/xact.h"
#include "nodes/plannodes.h"
#include "tcop/utility.h"

#define PGD_DDL_OBJECT_MAX	(2 * NAMEDATALEN)

/* What was seen of a statement before it ran. */
typedef struct PgdDdl
{
	const char *tag;			/* NULL: nothing to mark */
	bool		partitions;		/* maintenance of partitions */
	Oid			table;			/* that gets an index without a name */
	Oid			newest_index;	/* of that table */
	int			nindexes;
	char	   *definition;		/* of an index that is dropped */
	int64		wal_records;	/* what writes none has changed nothing */
	char		object[PGD_DDL_OBJECT_MAX];
} PgdDdl;

PGD_BEGIN_INTERNAL

extern int	pgd_ddl_waiting;	/* statements that wait for the commit */
extern bool pgd_ddl_looking;	/* subtransactions are none of the user's */

extern bool pgd_ddl_counts(const Node *stmt);
extern void pgd_ddl_begin(PgdDdl *ddl, const PlannedStmt *pstmt,
						  ProcessUtilityContext context);
extern void pgd_ddl_end(PgdDdl *ddl, const PlannedStmt *pstmt,
						const char *source);
extern void pgd_ddl_xact(XactEvent event);
extern void pgd_ddl_subxact(SubXactEvent event, SubTransactionId subid);

/* ddl_object.c: what a statement is about */
extern bool pgd_ddl_object_before(PgdDdl *ddl, const Node *stmt);
extern bool pgd_ddl_object_after(PgdDdl *ddl, const Node *stmt, char **undo);

PGD_END_INTERNAL

#endif							/* PGD_DDL_H */
