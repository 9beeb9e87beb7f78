/*-------------------------------------------------------------------------
 *
 * advise_need.h
 *		What a statement asks of a relation: conditions and orders, as the
 *		planner knows them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ADVISE_NEED_H
#define PGD_ADVISE_NEED_H

#include "pg_diagnose.h"

#include "nodes/pathnodes.h"

typedef enum PgdConditionKind
{
	PGD_COND_EQUAL,				/* expression = value, = ANY (values) */
	PGD_COND_RANGE,				/* expression < value, (a, b) > (x, y) */
	PGD_COND_PREFIX,			/* expression LIKE 'x%' */
	PGD_COND_INFIX,				/* expression LIKE '%x%', ILIKE, ~ */
	PGD_COND_CONTAIN,			/* another operator that an index knows */
	PGD_COND_NULL,				/* expression IS NULL */
	PGD_COND_NOT_NULL,			/* expression IS NOT NULL */
	PGD_COND_TRUE,				/* expression, of type boolean */
	PGD_COND_FALSE,				/* NOT expression */
	PGD_COND_OTHER				/* no index can help with it */
} PgdConditionKind;

/* All nodes are copies; the relation's own Vars have varno 1. */
typedef struct PgdCondition
{
	PgdConditionKind kind;
	Node	   *expr;			/* the relation's side */
	AttrNumber	attno;			/* of a plain column, else 0 */
	Oid			opno;			/* as if expr stood on the left */
	Oid			collation;
	Oid			am;				/* of PGD_COND_CONTAIN and _INFIX: who knows it */
	List	   *families;		/* and in which operator families */
	Node	   *clause;			/* the whole condition; of keys of joins NULL */
	Const	   *value;			/* compared with, if it is a constant */
	bool		literal;		/* which stands in the statement's text */
	bool		many;			/* one of several values */
	List	   *row;			/* further columns of a row comparison */
	Relids		partners;		/* joined with these; NULL: none */
	int			arm;			/* 0: has to hold; else which arm of an OR */
	double		selectivity;	/* as planned; of keys of joins, per value */
	double		ndistinct;		/* of the expression; 0: unknown */
	const char *obstacle;		/* why no index can help as it is written */
} PgdCondition;

/* One key of an order. */
typedef struct PgdOrderKey
{
	Node	   *expr;
	AttrNumber	attno;
	Oid			collation;
	bool		descending;
	bool		nulls_first;
} PgdOrderKey;

typedef enum PgdOrderKind
{
	PGD_ORDER_SORT,
	PGD_ORDER_GROUP,
	PGD_ORDER_DISTINCT
} PgdOrderKind;

typedef struct PgdOrder
{
	PgdOrderKind kind;
	List	   *keys;			/* PgdOrderKey * */
	bool		complete;		/* all of the order is the relation's */
	double		limit;			/* rows wanted; 0: all */
} PgdOrder;

typedef struct PgdNeed
{
	Oid			relid;
	char	   *alias;
	List	   *conditions;		/* PgdCondition * */
	List	   *orders;			/* PgdOrder * */
	Bitmapset  *columns;		/* read, offset as in pull_varattnos() */
	int			example;		/* which of the statement's shows it */
} PgdNeed;

/* The argument of pgd_advise_look(). */
typedef struct PgdNeeds
{
	MemoryContext context;		/* where to keep them */
	bool		all_literal;	/* constants are of the text, not parameters */
	List	   *literals;		/* else: Const * that are */
	int			example;		/* number of the one being planned */
	List	   *needs;			/* PgdNeed *, the result */
} PgdNeeds;

PGD_BEGIN_INTERNAL

extern void pgd_advise_look(PlannerInfo *root, RelOptInfo *rel, Index rti,
							RangeTblEntry *rte, void *arg);

/* advise_condition.c: what an index can do for a condition */
extern PgdCondition *pgd_advise_condition(Node *clause, Index rti);
extern PgdCondition *pgd_advise_join_key(Node *expr, Oid opfamily,
										 Oid collation, Index rti);
extern Node *pgd_advise_expression(Node *expr, Index rti, AttrNumber *attno);
extern Oid	pgd_advise_opclass(Oid am, Oid opfamily, Oid type);
extern List *pgd_advise_families(Oid am, Oid opno, Oid type, char purpose);
extern bool pgd_advise_orders_bytes(Oid collation);
extern const char *pgd_advise_obstacle(Node *expr);

PGD_END_INTERNAL

#endif							/* PGD_ADVISE_NEED_H */
