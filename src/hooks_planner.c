/*-------------------------------------------------------------------------
 *
 * hooks_planner.c
 *		The planner's hooks, by which it learns of indexes that do not exist.
 *
 * They are called while any statement is planned.  Unless it is planned for
 * us, each of them looks at one pointer and goes on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/explain.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "utils/selfuncs.h"

#include "hooks_planner.h"
#include "statement.h"
#include "whatif.h"

static get_relation_info_hook_type prev_get_relation_info = NULL;
static get_index_stats_hook_type prev_get_index_stats = NULL;
static set_rel_pathlist_hook_type prev_set_rel_pathlist = NULL;
static set_join_pathlist_hook_type prev_set_join_pathlist = NULL;
static explain_get_index_name_hook_type prev_explain_get_index_name = NULL;

/* Others first: they see the relation as it is. */
static void
pgd_get_relation_info(PlannerInfo *root, Oid relid, bool inhparent,
					  RelOptInfo *rel)
{
	if (prev_get_relation_info)
		prev_get_relation_info(root, relid, inhparent, rel);
	if (pgd_whatif_is_planning())
		pgd_whatif_relation(root, relid, inhparent, rel);
}

static bool
pgd_get_index_stats(PlannerInfo *root, Oid index, AttrNumber column,
					VariableStatData *vardata)
{
	if (pgd_whatif_is_planning() &&
		pgd_whatif_index_statistics(root, index, column, vardata))
		return true;
	return prev_get_index_stats &&
		prev_get_index_stats(root, index, column, vardata);
}

static void
pgd_set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti,
					 RangeTblEntry *rte)
{
	if (prev_set_rel_pathlist)
		prev_set_rel_pathlist(root, rel, rti, rte);
	if (pgd_whatif_is_planning())
		pgd_whatif_paths(root, rel, rti, rte);
}

static void
pgd_set_join_pathlist(PlannerInfo *root, RelOptInfo *joinrel,
					  RelOptInfo *outerrel, RelOptInfo *innerrel,
					  JoinType jointype, JoinPathExtraData *extra)
{
	if (prev_set_join_pathlist)
		prev_set_join_pathlist(root, joinrel, outerrel, innerrel, jointype,
							   extra);
	if (pgd_whatif_is_planning())
		pgd_whatif_check_deadline();
}

static const char *
pgd_explain_get_index_name(Oid index)
{
	const char *name = NULL;

	if (unlikely(pgd_whatif_planning != NULL))
		name = pgd_whatif_index_name(index);
	if (name == NULL && prev_explain_get_index_name)
		name = prev_explain_get_index_name(index);
	return name;
}

void
pgd_hooks_planner_init(void)
{
	prev_get_relation_info = get_relation_info_hook;
	get_relation_info_hook = pgd_get_relation_info;
	prev_get_index_stats = get_index_stats_hook;
	get_index_stats_hook = pgd_get_index_stats;
	prev_set_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = pgd_set_rel_pathlist;
	prev_set_join_pathlist = set_join_pathlist_hook;
	set_join_pathlist_hook = pgd_set_join_pathlist;
	prev_explain_get_index_name = explain_get_index_name_hook;
	explain_get_index_name_hook = pgd_explain_get_index_name;
	pgd_whatif_depth = &pgd_nesting;
}
