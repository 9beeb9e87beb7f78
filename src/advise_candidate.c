/*-------------------------------------------------------------------------
 *
 * advise_candidate.c
 *		What a statement asks of a table becomes indexes that could answer it.
 *
 * Keys in the order in which a B-tree can use them: columns compared for
 * equality, then one range or the order of the result.  Equal columns come in the
 * order in which most of the workload can use them, then by how many values
 * they have.  What is always the same and rare becomes the predicate of a
 * partial index.  Whether a candidate is any good is for the planner to say
 * (whatif.h); here only what no DBA would sign is left out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "advise_candidate.h"
#include "compat.h"

#define KEYS_MAX		5		/* a wider index is hardly ever right */
#define VARIANTS_MAX	40		/* candidates of one need */
#define INCLUDE_MAX		3		/* columns besides the keys */
#define INCLUDE_WIDTH	32		/* bytes of them */
#define INCLUDE_ROWS	200		/* found, of which the table need not be read */
#define RARE			0.2		/* share of rows that makes a partial index */
#define BRIN_PAGES		16384	/* a table of 128 MB */
#define BRIN_CORRELATION	0.95

/* What is known while the candidates of a need are made. */
typedef struct Making
{
	PgdTable   *table;
	const PgdNeed *need;
	PgdVaries	varies;
	void	   *arg;
	List	   *result;
	/* conditions that have to hold together, PgdCondition * */
	List	   *equal;			/* compared with values, best first */
	List	   *ranges;
	List	   *joins;			/* equal to something of another relation */
	List	   *special;		/* not for a B-tree */
	List	   *rare;			/* could be a predicate */
} Making;

/* Parts of a candidate on their way. */
typedef struct Parts
{
	List	   *conditions;		/* for keys, in order */
	const PgdOrder *order;		/* after them; NULL: none */
	const PgdCondition *range;	/* after them */
	List	   *predicate;		/* PgdCondition * */
	bool		by_join;
} Parts;

static void make_arm(Making *m, int arm);
static void collect(Making *m, int arm);
static bool can_be_predicate(Making *m, const PgdCondition *condition);
static void make_btrees(Making *m, List *predicate);
static void make_joins(Making *m, List *predicate, List *values);
static void make_special(Making *m, const PgdCondition *condition);
static void make_nearest(Making *m);
static void make_brin(Making *m, const PgdCondition *condition);
static void emit_btree(Making *m, const Parts *parts);
static void emit(Making *m, PgdCandidate *candidate);
static void add_included(Making *m, const PgdCandidate *candidate);
static char *predicate_text(Making *m, List *conditions);

/*
 * All candidates for a need.
 */
List *
pgd_advise_candidates(PgdTable *table, const PgdNeed *need, PgdVaries varies,
					  void *arg)
{
	Making		m = {0};
	int			arms = 0;
	ListCell   *lc;

	m.table = table;
	m.need = need;
	m.varies = varies;
	m.arg = arg;

	make_arm(&m, 0);
	foreach(lc, need->conditions)
		arms = Max(arms, ((PgdCondition *) lfirst(lc))->arm);
	for (int arm = 1; arm <= arms; arm++)
		make_arm(&m, arm);
	make_nearest(&m);
	return m.result;
}

/*
 * Candidates for the conditions that always have to hold, and one arm of an
 * OR besides, as for that a bitmap of its own is made.
 */
static void
make_arm(Making *m, int arm)
{
	ListCell   *lc;

	collect(m, arm);

	if (m->rare != NIL)
	{
		make_btrees(m, m->rare);
		if (list_length(m->rare) > 1)
		{
			foreach(lc, m->rare)
				make_btrees(m, list_make1(lfirst(lc)));
		}
	}
	make_btrees(m, NIL);
	foreach(lc, m->special)
		make_special(m, lfirst(lc));
	foreach(lc, m->ranges)
		make_brin(m, lfirst(lc));
}

/* Columns that more of the workload asks for come first. */
static int
compare_conditions(const PgdCondition *a, const PgdCondition *b,
				   const PgdTable *table)
{
	double		asked_a = a->attno > 0 && a->attno <= table->natts ?
		table->asked[a->attno] : 0;
	double		asked_b = b->attno > 0 && b->attno <= table->natts ?
		table->asked[b->attno] : 0;

	/* what is one of several values spoils the order of all that follows */
	if (a->many != b->many)
		return a->many ? 1 : -1;
	/* alike, if not one is asked for twice as much */
	if (asked_a > 2 * asked_b)
		return -1;
	if (asked_b > 2 * asked_a)
		return 1;
	if (a->ndistinct != b->ndistinct)
		return a->ndistinct > b->ndistinct ? -1 : 1;
	return (int) a->attno - (int) b->attno;
}

static List *
insert_condition(List *list, PgdCondition *condition, const PgdTable *table)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, list)
	{
		if (equal(((PgdCondition *) lfirst(lc))->expr, condition->expr))
			return list;
		if (compare_conditions(lfirst(lc), condition, table) <= 0)
			n = foreach_current_index(lc) + 1;
	}
	return list_insert_nth(list, n, condition);
}

static void
collect(Making *m, int arm)
{
	ListCell   *lc;

	m->equal = m->ranges = m->joins = m->special = m->rare = NIL;
	foreach(lc, m->need->conditions)
	{
		PgdCondition *c = lfirst(lc);

		if (c->obstacle != NULL || (c->arm != 0 && c->arm != arm) ||
			(c->attno == 0 && m->varies(m->need, NULL, c->expr, m->arg)))
			continue;
		if (c->arm == arm && c->partners == NULL && can_be_predicate(m, c))
			m->rare = lappend(m->rare, c);
		switch (c->kind)
		{
			case PGD_COND_EQUAL:
				if (c->partners != NULL)
					m->joins = lappend(m->joins, c);
				else
					m->equal = insert_condition(m->equal, c, m->table);
				break;
			case PGD_COND_NULL:
				if (c->partners == NULL && c->selectivity <= RARE)
					m->equal = insert_condition(m->equal, c, m->table);
				break;
			case PGD_COND_RANGE:
			case PGD_COND_PREFIX:
				if (c->partners == NULL)
					m->ranges = lappend(m->ranges, c);
				break;
			case PGD_COND_INFIX:
			case PGD_COND_CONTAIN:
				m->special = lappend(m->special, c);
				break;
			default:
				break;
		}
	}
}

/*
 * Rare, and the same in all executions: rows that fulfil it are worth an
 * index of their own.
 */
static bool
can_be_predicate(Making *m, const PgdCondition *c)
{
	if (c->clause == NULL || c->selectivity > RARE ||
		!pgd_advise_is_indexable(c->clause))
		return false;
	switch (c->kind)
	{
		case PGD_COND_NULL:
		case PGD_COND_NOT_NULL:
		case PGD_COND_TRUE:
		case PGD_COND_FALSE:
			return true;
		case PGD_COND_EQUAL:
			return c->value != NULL && !c->value->constisnull && c->literal &&
				!m->varies(m->need, c, c->expr, m->arg);
		default:
			return false;
	}
}

/* ----------
 * B-trees
 * ----------
 */

static void
make_btrees(Making *m, List *predicate)
{
	Parts		parts = {0};
	List	   *values = NIL;	/* equal to one or several */
	List	   *single = NIL;	/* equal to one value */
	ListCell   *lc;

	foreach(lc, m->equal)
	{
		PgdCondition *c = lfirst(lc);

		if (list_member_ptr(predicate, c))
			continue;
		values = lappend(values, c);
		if (!c->many)
			single = lappend(single, c);
	}

	parts.predicate = predicate;
	foreach(lc, m->need->orders)
	{
		ListCell   *lc2;

		parts.order = lfirst(lc);
		/* few rows are grouped quickly in any order */
		if (parts.order->kind == PGD_ORDER_GROUP && parts.order->limit == 0 &&
			single != NIL)
			continue;
		parts.conditions = single;
		parts.range = NULL;
		emit_btree(m, &parts);
		foreach(lc2, m->ranges)
		{
			parts.range = lfirst(lc2);
			emit_btree(m, &parts);
		}
		if (single != NIL)
		{
			parts.range = NULL;
			parts.conditions = NIL;
			emit_btree(m, &parts);
		}
	}
	parts.order = NULL;
	parts.conditions = values;
	foreach(lc, m->ranges)
	{
		parts.range = lfirst(lc);
		emit_btree(m, &parts);
	}
	parts.range = NULL;
	if (values != NIL || predicate != NIL)
		emit_btree(m, &parts);
	if (list_length(values) > 1)
	{
		foreach(lc, values)
		{
			parts.conditions = list_make1(lfirst(lc));
			emit_btree(m, &parts);
		}
	}
	if (values != NIL)
	{
		parts.conditions = NIL;
		foreach(lc, m->ranges)
		{
			parts.range = lfirst(lc);
			emit_btree(m, &parts);
		}
	}
	make_joins(m, predicate, values);
}

/*
 * Keys of joins: searched for each row of the other side.  Several that join
 * the same relation belong together.
 */
static void
make_joins(Making *m, List *predicate, List *values)
{
	Parts		parts = {0};
	ListCell   *lc;

	parts.predicate = predicate;
	parts.by_join = true;
	foreach(lc, m->joins)
	{
		PgdCondition *join = lfirst(lc);
		List	   *keys = list_make1(join);
		ListCell   *lc2;

		parts.range = NULL;
		parts.order = NULL;
		parts.conditions = keys;
		emit_btree(m, &parts);
		foreach(lc2, m->joins)
		{
			PgdCondition *other = lfirst(lc2);

			if (other != join && bms_overlap(other->partners, join->partners) &&
				!equal(other->expr, join->expr))
				keys = insert_condition(list_copy(keys), other, m->table);
		}
		if (list_length(keys) > 1)
		{
			parts.conditions = keys;
			emit_btree(m, &parts);
		}
		if (values != NIL)
		{
			parts.conditions = list_concat_copy(keys, values);
			emit_btree(m, &parts);
			parts.conditions = list_concat_copy(values, keys);
			emit_btree(m, &parts);
		}
		foreach(lc2, m->ranges)
		{
			parts.range = lfirst(lc2);
			parts.conditions = list_concat_copy(keys, values);
			emit_btree(m, &parts);
		}
	}
}

/*
 * The operator class with which a condition can be looked up; InvalidOid is
 * the usual one.
 */
static Oid
pattern_opclass(const PgdCondition *c)
{
	if (c->kind != PGD_COND_PREFIX || pgd_advise_orders_bytes(c->collation))
		return InvalidOid;
	if (getBaseType(exprType(c->expr)) == BPCHAROID)
		return pgd_advise_opclass(BTREE_AM_OID, BPCHAR_PATTERN_BTREE_FAM_OID,
								  BPCHAROID);
	return pgd_advise_opclass(BTREE_AM_OID, TEXT_PATTERN_BTREE_FAM_OID,
							  TEXTOID);
}

static PgdCandidate *
candidate_new(Making *m, Oid am)
{
	PgdCandidate *candidate = palloc0(sizeof(PgdCandidate));

	candidate->table = m->table;
	candidate->am = am;
	candidate->selectivity = 1;
	return candidate;
}

static bool
add_order(Making *m, PgdCandidate *candidate, const PgdOrder *order)
{
	bool		usual = true;	/* all up or all down, NULLs where usual */
	bool		first = true;
	bool		descending = false;
	ListCell   *lc;

	foreach(lc, order->keys)
	{
		const PgdOrderKey *key = lfirst(lc);

		if (first)
			descending = key->descending;
		first = false;
		if (key->descending != descending ||
			key->nulls_first != key->descending)
			usual = false;
	}
	foreach(lc, order->keys)
	{
		const PgdOrderKey *key = lfirst(lc);

		/* read backward, an index has the opposite order */
		if ((key->attno == 0 && m->varies(m->need, NULL, key->expr, m->arg)) ||
			!pgd_advise_add_key(candidate, key->expr, key->attno, key->collation,
					 InvalidOid, !usual && key->descending,
					 !usual && key->nulls_first))
			return false;
	}
	return true;
}

static void
emit_btree(Making *m, const Parts *parts)
{
	PgdCandidate *candidate = candidate_new(m, BTREE_AM_OID);
	ListCell   *lc;

	foreach(lc, parts->conditions)
	{
		PgdCondition *c = lfirst(lc);

		if (list_length(candidate->keys) >= KEYS_MAX)
			break;
		if (!pgd_advise_add_key(candidate, c->expr, c->attno, c->collation,
					 InvalidOid, false, false))
			return;
		candidate->selectivity *= c->selectivity;
	}
	if (parts->order != NULL)
	{
		if (!add_order(m, candidate, parts->order))
			return;
		candidate->by_order = true;
	}
	if (parts->range != NULL)
	{
		const PgdCondition *c = parts->range;

		if (!pgd_advise_add_key(candidate, c->expr, c->attno, c->collation,
					 pattern_opclass(c), false, false))
			return;
		foreach(lc, c->row)
		{
			Node	   *expr = lfirst(lc);

			if (!IsA(expr, Var) ||
				!pgd_advise_add_key(candidate, expr, ((Var *) expr)->varattno,
						 exprCollation(expr), InvalidOid, false, false))
				return;
		}
		if (parts->order == NULL)
			candidate->selectivity *= c->selectivity;
	}
	foreach(lc, parts->predicate)
		candidate->selectivity *= ((PgdCondition *) lfirst(lc))->selectivity;
	candidate->by_join = parts->by_join;
	if (candidate->keys == NIL && parts->predicate != NIL)
	{
		/* nothing is left to look for among those rows */
		PgdCondition *c = linitial(parts->predicate);

		if (!pgd_advise_add_key(candidate, c->expr, c->attno, c->collation,
					 InvalidOid, false, false))
			return;
	}
	if (candidate->keys == NIL ||
		(parts->order == NULL && parts->range == NULL &&
		 pgd_advise_finds_one(candidate, parts->predicate != NIL)))
		return;
	candidate->limits = parts->order == NULL || parts->order->limit > 0;
	candidate->sorts = !candidate->limits &&
		parts->order->kind != PGD_ORDER_DISTINCT;
	if (parts->predicate != NIL)
		candidate->predicate = predicate_text(m, parts->predicate);
	foreach(lc, parts->predicate)
		pgd_advise_add_columns(candidate, ((PgdCondition *) lfirst(lc))->clause);
	emit(m, candidate);
	add_included(m, candidate);
}

/* ----------
 * Other access methods
 * ----------
 */

/*
 * GIN, or GiST where only that knows the operator: an index for each family.
 */
static void
make_special(Making *m, const PgdCondition *c)
{
	ListCell   *lc;

	foreach(lc, c->families)
	{
		PgdCandidate *candidate = candidate_new(m, c->am);
		Oid			opclass = pgd_advise_opclass(c->am, lfirst_oid(lc),
												 getBaseType(exprType(c->expr)));

		candidate->selectivity = c->selectivity;
		candidate->by_join = c->partners != NULL;
		if (OidIsValid(opclass) &&
			pgd_advise_add_key(candidate, c->expr, c->attno, c->collation, opclass,
					false, false))
			emit(m, candidate);
	}
}

/*
 * ORDER BY column <-> value: the nearest first.
 */
static void
make_nearest(Making *m)
{
	ListCell   *lc;

	foreach(lc, m->need->orders)
	{
		PgdOrder   *order = lfirst(lc);
		PgdOrderKey *key = linitial(order->keys);
		OpExpr	   *op = (OpExpr *) key->expr;
		List	   *families;
		PgdCandidate *candidate;

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
			!IsA(linitial(op->args), Var))
			continue;
		families = pgd_advise_families(GIST_AM_OID, op->opno,
									   exprType(linitial(op->args)),
									   AMOP_ORDER);
		if (families == NIL)
			continue;
		candidate = candidate_new(m, GIST_AM_OID);
		candidate->by_order = true;
		if (pgd_advise_add_key(candidate, linitial(op->args),
					((Var *) linitial(op->args))->varattno, InvalidOid,
					pgd_advise_opclass(GIST_AM_OID, linitial_oid(families),
									   exprType(linitial(op->args))),
					false, false))
			emit(m, candidate);
	}
}

/*
 * A range over a column whose values lie on disk in their order.
 */
static void
make_brin(Making *m, const PgdCondition *c)
{
	PgdCandidate *candidate;

	if (c->kind != PGD_COND_RANGE || c->attno == 0 ||
		m->table->pages < BRIN_PAGES ||
		!OidIsValid(GetDefaultOpClass(exprType(c->expr), BRIN_AM_OID)) ||
		fabs(pgd_advise_correlation(m->table, c->attno)) < BRIN_CORRELATION)
		return;
	candidate = candidate_new(m, BRIN_AM_OID);
	candidate->selectivity = c->selectivity;
	if (pgd_advise_add_key(candidate, c->expr, c->attno, c->collation, InvalidOid,
				false, false))
		emit(m, candidate);
}

static char *
predicate_text(Making *m, List *conditions)
{
	List	   *clauses = NIL;
	ListCell   *lc;

	foreach(lc, conditions)
		clauses = lappend(clauses, ((PgdCondition *) lfirst(lc))->clause);
	return deparse_expression((Node *) make_ands_explicit(clauses),
							  m->table->names,
							  false, false);
}

static void
emit(Making *m, PgdCandidate *candidate)
{
	ListCell   *lc;

	if (list_length(m->result) >= VARIANTS_MAX)
		return;
	pgd_advise_define(candidate);
	foreach(lc, m->result)
	{
		if (strcmp(((PgdCandidate *) lfirst(lc))->definition,
				   candidate->definition) == 0)
			return;
	}
	m->result = lappend(m->result, candidate);
}

/*
 * The same with all other columns that the statement reads, if these are few,
 * narrow, hardly ever updated, and the table need not be looked at for most
 * rows.
 */
static void
add_included(Making *m, const PgdCandidate *candidate)
{
	PgdCandidate *wider;
	double		rows = candidate->selectivity * m->table->tuples;
	int			width = 0;
	int			i = -1;
	ListCell   *lc;

	foreach(lc, m->need->orders)
	{
		PgdOrder   *order = lfirst(lc);

		if (order->limit > 0 && candidate->by_order)
			rows = Min(rows, order->limit);
	}
	if (m->table->all_visible < 0.8 || bms_is_empty(m->need->columns) ||
		pgd_advise_covered(candidate) != NULL ||
		(!candidate->by_join && rows < INCLUDE_ROWS))
		return;
	wider = palloc(sizeof(PgdCandidate));
	*wider = *candidate;
	wider->columns = bms_copy(candidate->columns);
	while ((i = bms_next_member(m->need->columns, i)) >= 0)
	{
		int			attno = i + FirstLowInvalidHeapAttributeNumber;
		int32		avg;

		if (attno > 0 && bms_is_member(attno, candidate->columns))
			continue;
		avg = attno > 0 ? get_attavgwidth(m->table->relid, attno) : 0;
		width += avg;
		if (avg <= 0 || width > INCLUDE_WIDTH ||
			list_length(wider->include) >= INCLUDE_MAX)
			return;
		foreach(lc, m->table->writes)
		{
			if (bms_is_member(attno, ((PgdWrite *) lfirst(lc))->columns))
				return;
		}
		wider->include = lappend_int(wider->include, attno);
		wider->columns = bms_add_member(wider->columns, attno);
	}
	if (wider->include != NIL)
		emit(m, wider);
}
