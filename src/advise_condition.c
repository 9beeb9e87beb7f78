/*-------------------------------------------------------------------------
 *
 * advise_condition.c
 *		What an index could do for a condition.
 *
 * That is decided by operator families, not by names of operators, so it
 * holds for types and operators of extensions, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_database.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/restrictinfo.h"
#include "parser/parse_coerce.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "advise_need.h"
#include "compat.h"

static PgdCondition *of_operator(Oid opno, Oid collation, Node *left,
								 Node *right, Index rti);
static PgdCondition *of_array(ScalarArrayOpExpr *clause, Index rti);
static PgdCondition *of_row(RowCompareExpr *clause, Index rti);
static PgdCondition *of_expression(PgdConditionKind kind, Node *expr,
								   Index rti);
static void classify(PgdCondition *condition, Oid type, Node *other);
static bool classify_pattern(PgdCondition *condition, Node *other);
static bool find_family(PgdCondition *condition, Oid type);

/*
 * Are these expressions of this relation alone, and of none but this one?
 */
static bool
is_of(Node *expr, Index rti)
{
	return bms_equal(pull_varnos(NULL, expr), bms_make_singleton(rti));
}

static bool
is_without(Node *expr, Index rti)
{
	return !bms_is_member(rti, pull_varnos(NULL, expr)) &&
		!contain_volatile_functions(expr);
}

/* An index knows nothing of outer joins above it. */
static bool
forget_nulling_rels(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		pgd_var_forget_nulling_rels((Var *) node);
	return expression_tree_walker(node, forget_nulling_rels, context);
}

/*
 * The form in which an index knows an expression, and the column it is.
 */
Node *
pgd_advise_expression(Node *expr, Index rti, AttrNumber *attno)
{
	while (IsA(expr, RelabelType) || IsA(expr, PlaceHolderVar))
	{
		if (IsA(expr, RelabelType))
			expr = (Node *) ((RelabelType *) expr)->arg;
		else
			expr = (Node *) ((PlaceHolderVar *) expr)->phexpr;
	}
	expr = copyObject(expr);
	ChangeVarNodes(expr, rti, 1, 0);
	(void) forget_nulling_rels(expr, NULL);
	*attno = 0;
	if (IsA(expr, Var) && ((Var *) expr)->varattno > 0)
		*attno = ((Var *) expr)->varattno;
	return expr;
}

/*
 * What a condition asks; NULL if it is not about the relation.
 */
PgdCondition *
pgd_advise_condition(Node *clause, Index rti)
{
	if (IsA(clause, RestrictInfo))
		clause = (Node *) ((RestrictInfo *) clause)->clause;

	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) clause;
		Node	   *left = linitial(op->args);
		Node	   *right = lsecond(op->args);

		if (is_of(left, rti) && is_without(right, rti))
			return of_operator(op->opno, op->inputcollid, left, right, rti);
		if (is_of(right, rti) && is_without(left, rti) &&
			OidIsValid(get_commutator(op->opno)))
			return of_operator(get_commutator(op->opno), op->inputcollid,
							   right, left, rti);
	}
	else if (IsA(clause, ScalarArrayOpExpr))
		return of_array((ScalarArrayOpExpr *) clause, rti);
	else if (IsA(clause, RowCompareExpr))
		return of_row((RowCompareExpr *) clause, rti);
	else if (IsA(clause, NullTest) && !((NullTest *) clause)->argisrow &&
			 is_of((Node *) ((NullTest *) clause)->arg, rti))
		return of_expression(((NullTest *) clause)->nulltesttype == IS_NULL ?
							 PGD_COND_NULL : PGD_COND_NOT_NULL,
							 (Node *) ((NullTest *) clause)->arg, rti);
	else if (IsA(clause, BooleanTest) &&
			 (((BooleanTest *) clause)->booltesttype == IS_TRUE ||
			  ((BooleanTest *) clause)->booltesttype == IS_FALSE) &&
			 is_of((Node *) ((BooleanTest *) clause)->arg, rti))
		return of_expression(((BooleanTest *) clause)->booltesttype == IS_TRUE ?
							 PGD_COND_TRUE : PGD_COND_FALSE,
							 (Node *) ((BooleanTest *) clause)->arg, rti);
	else if (is_notclause(clause) &&
			 IsA(linitial(((BoolExpr *) clause)->args), Var) &&
			 is_of(linitial(((BoolExpr *) clause)->args), rti))
		return of_expression(PGD_COND_FALSE,
							 linitial(((BoolExpr *) clause)->args), rti);
	else if (IsA(clause, Var) && is_of(clause, rti))
		return of_expression(PGD_COND_TRUE, clause, rti);

	if (is_of(clause, rti))
		return of_expression(PGD_COND_OTHER, clause, rti);
	return NULL;
}

static PgdCondition *
of_expression(PgdConditionKind kind, Node *expr, Index rti)
{
	PgdCondition *condition = palloc0(sizeof(PgdCondition));

	condition->kind = kind;
	condition->expr = pgd_advise_expression(expr, rti, &condition->attno);
	condition->collation = exprCollation(condition->expr);
	condition->selectivity = 1;
	if (condition->attno == 0)
		condition->obstacle = pgd_advise_obstacle(condition->expr);
	return condition;
}

static PgdCondition *
of_operator(Oid opno, Oid collation, Node *left, Node *right, Index rti)
{
	PgdCondition *condition = of_expression(PGD_COND_OTHER, left, rti);

	condition->opno = opno;
	condition->collation = collation;
	if (IsA(right, Const))
		condition->value = (Const *) copyObject(right);
	classify(condition, exprType(left), right);
	return condition;
}

static PgdCondition *
of_array(ScalarArrayOpExpr *clause, Index rti)
{
	Node	   *left = linitial(clause->args);
	Node	   *right = lsecond(clause->args);
	PgdCondition *condition;

	if (is_of(right, rti) && is_without(left, rti))
	{
		condition = of_expression(PGD_COND_OTHER, right, rti);
		condition->opno = clause->opno;
		condition->obstacle = "any";
		return condition;
	}
	if (!is_of(left, rti) || !is_without(right, rti))
		return NULL;
	condition = of_operator(clause->opno, clause->inputcollid, left, right,
							rti);
	condition->many = true;
	if (!clause->useOr)
	{
		condition->kind = PGD_COND_OTHER;
		condition->obstacle = "negation";
	}
	else if (condition->kind != PGD_COND_EQUAL)
		condition->kind = PGD_COND_OTHER;
	return condition;
}

/*
 * (a, b) > (x, y): a range of a, and of b where a is equal.
 */
static PgdCondition *
of_row(RowCompareExpr *clause, Index rti)
{
	bool		on_left = is_of((Node *) clause->largs, rti);
	List	   *mine = on_left ? clause->largs : clause->rargs;
	List	   *others = on_left ? clause->rargs : clause->largs;
	PgdCondition *condition;
	ListCell   *lc;

	if (!is_of((Node *) mine, rti) || !is_without((Node *) others, rti))
		return NULL;
	foreach(lc, mine)
	{
		if (!is_of((Node *) lfirst(lc), rti))
			return NULL;
	}
	condition = of_expression(PGD_COND_RANGE, linitial(mine), rti);
	condition->opno = linitial_oid(clause->opnos);
	condition->collation = linitial_oid(clause->inputcollids);
	for_each_from(lc, mine, 1)
	{
		AttrNumber	attno;

		condition->row = lappend(condition->row,
								 pgd_advise_expression((Node *) lfirst(lc),
													   rti, &attno));
	}
	return condition;
}

/*
 * The key of a join by equality.
 */
PgdCondition *
pgd_advise_join_key(Node *expr, Oid opfamily, Oid collation, Index rti)
{
	PgdCondition *condition;
	Oid			type = exprType(expr);

	if (contain_mutable_functions(expr))
		return NULL;
	condition = of_expression(PGD_COND_EQUAL, expr, rti);
	condition->collation = collation;
	condition->opno = get_opfamily_member(opfamily, type, type,
										  BTEqualStrategyNumber);
	if (condition->obstacle != NULL)
		condition->kind = PGD_COND_OTHER;
	return condition;
}

/*
 * Which kind of condition an operator makes.
 */
static void
classify(PgdCondition *condition, Oid type, Node *other)
{
	Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);
	int			strategy = 0;

	if (classify_pattern(condition, other))
		return;
	if (OidIsValid(opclass))
		strategy = get_op_opfamily_strategy(condition->opno,
											get_opclass_family(opclass));
	if (strategy == BTEqualStrategyNumber)
		condition->kind = PGD_COND_EQUAL;
	else if (strategy != 0)
		condition->kind = PGD_COND_RANGE;
	else if (find_family(condition, type))
		condition->kind = PGD_COND_CONTAIN;
	else if (condition->obstacle == NULL &&
			 OidIsValid(get_negator(condition->opno)))
	{
		Oid			negator = get_negator(condition->opno);

		if (OidIsValid(opclass) &&
			get_op_opfamily_strategy(negator, get_opclass_family(opclass)) ==
			BTEqualStrategyNumber)
			condition->obstacle = "negation";
	}
	if (condition->obstacle != NULL && condition->kind != PGD_COND_OTHER)
		condition->kind = PGD_COND_OTHER;
}

/*
 * LIKE and its kin.  Only a constant pattern tells whether it begins with
 * something: one that is not known is taken for one that does.
 */
static bool
classify_pattern(PgdCondition *condition, Node *other)
{
	bool		regex = false;
	bool		fold = false;
	char	   *pattern;

	switch (condition->opno)
	{
		case OID_TEXT_LIKE_OP:
		case OID_BPCHAR_LIKE_OP:
			break;
		case OID_TEXT_ICLIKE_OP:
		case OID_BPCHAR_ICLIKE_OP:
			fold = true;
			break;
		case OID_TEXT_REGEXEQ_OP:
		case OID_BPCHAR_REGEXEQ_OP:
			regex = true;
			break;
		case OID_TEXT_ICREGEXEQ_OP:
		case OID_BPCHAR_ICREGEXEQ_OP:
			regex = true;
			fold = true;
			break;
		default:
			return false;
	}

	if (condition->obstacle != NULL)
		return true;
	condition->kind = PGD_COND_INFIX;
	if (other == NULL || !IsA(other, Const) || ((Const *) other)->constisnull)
	{
		if (!fold && !regex)
			condition->kind = PGD_COND_PREFIX;
	}
	else
	{
		pattern = TextDatumGetCString(((Const *) other)->constvalue);
		if (!fold && regex && pattern[0] == '^' && pattern[1] != '\0' &&
			strchr(".*?+|()[]{}\\^$", pattern[1]) == NULL)
			condition->kind = PGD_COND_PREFIX;
		else if (!fold && !regex && pattern[0] != '\0' &&
				 strchr("%_", pattern[0]) == NULL)
			condition->kind = PGD_COND_PREFIX;
		pfree(pattern);
	}
	if (condition->kind == PGD_COND_INFIX &&
		!find_family(condition, exprType(condition->expr)))
	{
		/* pg_trgm would know it */
		condition->kind = PGD_COND_OTHER;
		condition->obstacle = "leading wildcard";
	}
	return true;
}

/*
 * An operator class of an access method, of a family, for a type.
 */
Oid
pgd_advise_opclass(Oid am, Oid opfamily, Oid type)
{
	Oid			result = GetDefaultOpClass(type, am);
	CatCList   *list;

	if (OidIsValid(result) && get_opclass_family(result) == opfamily)
		return result;
	result = InvalidOid;
	list = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(am));
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_opclass opclass = (Form_pg_opclass)
			GETSTRUCT(&list->members[i]->tuple);

		/* of several names of the same class, the first one made */
		if (opclass->opcfamily == opfamily &&
			IsBinaryCoercible(type, opclass->opcintype) &&
			(!OidIsValid(result) || opclass->oid < result))
			result = opclass->oid;
	}
	ReleaseSysCacheList(list);
	return result;
}

/*
 * Which access method other than B-tree knows the operator for this type?
 * GIN is asked first.
 */
static bool
find_family(PgdCondition *condition, Oid type)
{
	static const Oid methods[] = {GIN_AM_OID, GIST_AM_OID};

	for (int m = 0; m < lengthof(methods); m++)
	{
		condition->families = pgd_advise_families(methods[m], condition->opno,
												  getBaseType(type),
												  AMOP_SEARCH);
		condition->am = methods[m];
		if (condition->families != NIL)
			return true;
	}
	return false;
}

static bool
is_c_locale(Datum name, bool isnull)
{
	char	   *locale;

	if (isnull)
		return false;
	locale = TextDatumGetCString(name);
	return strcmp(locale, "C") == 0 || strcmp(locale, "POSIX") == 0;
}

/*
 * Does a collation order by bytes?  Then a plain B-tree knows prefixes.  The
 * catalogs tell; pg_locale.h needs the headers of ICU.
 */
bool
pgd_advise_orders_bytes(Oid collation)
{
	const bool	usual = collation == DEFAULT_COLLATION_OID;
	const int	cache = usual ? DATABASEOID : COLLOID;
	HeapTuple	tuple = SearchSysCache1(cache,
										ObjectIdGetDatum(usual ? MyDatabaseId :
														 collation));
	bool		result;
	char		provider;
	Datum		name;
	bool		isnull;

	if (!HeapTupleIsValid(tuple))
		return false;
	if (usual)
	{
		provider = ((Form_pg_database) GETSTRUCT(tuple))->datlocprovider;
		name = SysCacheGetAttr(cache, tuple, Anum_pg_database_datcollate,
							   &isnull);
	}
	else
	{
		provider = ((Form_pg_collation) GETSTRUCT(tuple))->collprovider;
		name = SysCacheGetAttr(cache, tuple, Anum_pg_collation_collcollate,
							   &isnull);
	}
	/* 'b' is what 17 has built in; all of it orders by bytes */
	result = provider == 'b' ||
		(provider == COLLPROVIDER_LIBC && is_c_locale(name, isnull));
	ReleaseSysCache(tuple);
	return result;
}

/*
 * The families in which an access method other than B-tree knows an operator
 * for a type: those of which a class may be named in CREATE INDEX.
 */
List *
pgd_advise_families(Oid am, Oid opno, Oid type, char purpose)
{
	CatCList   *list = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(opno));
	List	   *families = NIL;

	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_amop amop = (Form_pg_amop)
			GETSTRUCT(&list->members[i]->tuple);

		if (amop->amopmethod == am && amop->amoppurpose == purpose &&
			OidIsValid(pgd_advise_opclass(am, amop->amopfamily, type)))
			families = list_append_unique_oid(families, amop->amopfamily);
	}
	ReleaseSysCacheList(list);
	return families;
}

/* ----------
 * What stands in an index's way
 * ----------
 */

static bool
is_column(Node *expr)
{
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	return IsA(expr, Var);
}

static bool
is_arithmetic(const OpExpr *op)
{
	char	   *name = get_opname(op->opno);

	return name != NULL && strlen(name) == 1 && strchr("+-*/%", *name) != NULL;
}

/*
 * Why no index should be made for an expression: what is better rewritten.
 * NULL if an index on it is right.
 */
const char *
pgd_advise_obstacle(Node *expr)
{
	bool		mutable = contain_mutable_functions(expr);

	if (IsA(expr, FuncExpr))
	{
		FuncExpr   *func = (FuncExpr *) expr;

		if ((func->funcformat == COERCE_EXPLICIT_CAST ||
			 func->funcformat == COERCE_IMPLICIT_CAST) &&
			is_column(linitial(func->args)))
			return "cast";
	}
	if (IsA(expr, CoerceViaIO) &&
		is_column((Node *) ((CoerceViaIO *) expr)->arg))
		return "cast";
	if (IsA(expr, ArrayCoerceExpr) || IsA(expr, RowExpr))
		return "cast";
	if (IsA(expr, CoalesceExpr))
		return "coalesce";
	if (IsA(expr, OpExpr) && is_arithmetic((OpExpr *) expr))
		return "arithmetic";
	if (mutable)
		return "volatile";
	return NULL;
}
