//! Rows of a table with a self-reference: parent rows are written before their children.
use crate::{batch::Write, reduce::comparable};
use connect_api::{Result, arrow::array::Array as _};
use dialect_core::{ForeignKey, TableName, WriteOp};
use std::collections::HashMap;

impl Write {
    /// The same rows with parents before their children; deletes in reverse order, because they
    /// come without their references. `None` if there is no self-reference. All keys must be
    /// distinct.
    ///
    /// # Errors `Unsupported`: columns of types that cannot be compared.
    pub(crate) fn in_parent_order(&self) -> Result<Option<Self>> {
        let table = &self.plan.table;
        let own = |name: &TableName| name.name == table.name.name;
        let keys: Vec<_> = table
            .foreign_keys
            .iter()
            .filter(|k| own(&k.table))
            .collect();
        if keys.is_empty() || self.rows.len() < 2 {
            return Ok(None);
        }
        if self.plan.op == WriteOp::Delete {
            return self.in_order(self.rows.clone().rev().collect()).map(Some);
        }
        let mut parents: Vec<Vec<usize>> = vec![Vec::new(); self.rows.len()];
        for key in keys {
            self.add_parents(key, &mut parents)?;
        }
        let start = self.rows.start;
        let order = topological_order(&parents)
            .into_iter()
            .map(|row| start + row);
        self.in_order(order.collect()).map(Some)
    }

    /// Adds the parents of each row by this foreign key.
    fn add_parents(&self, key: &ForeignKey, parents: &mut [Vec<usize>]) -> Result<()> {
        let table = &self.plan.table;
        let columns = |names: &[String]| {
            let column = |name: &String| {
                let to = table.index_of(name)?;
                let pair = self.plan.pairs.iter().find(|pair| pair.to == to)?;
                let column = self.records.batch().column(pair.from);
                Some(column.slice(self.rows.start, self.rows.len()))
            };
            names.iter().map(column).collect::<Option<Vec<_>>>()
        };
        let (Some(children), Some(referred)) = (columns(&key.columns), columns(&key.referred))
        else {
            return Ok(());
        };
        let (of_child, of_parent) = (comparable(&children)?, comparable(&referred)?);
        let places: HashMap<_, _> = of_parent.iter().zip(0usize..).collect();
        for (row, parents) in parents.iter_mut().enumerate() {
            let whole = children.iter().all(|column| column.is_valid(row));
            let parent = places.get(&of_child.row(row)).filter(|_| whole);
            parents.extend(parent.filter(|parent| **parent != row));
        }
        Ok(())
    }
}

/// The rows in topological order, parents first; cycles are broken.
fn topological_order(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(parents.len());
    let mut met = vec![false; parents.len()];
    let mut open: Vec<(usize, usize)> = Vec::new();
    for row in 0..parents.len() {
        if met[row] {
            continue;
        }
        met[row] = true;
        open.push((row, 0));
        while let Some((row, next)) = open.last_mut() {
            match parents[*row].get(*next) {
                Some(parent) => {
                    *next += 1;
                    if !met[*parent] {
                        met[*parent] = true;
                        open.push((*parent, 0));
                    }
                }
                None => {
                    order.push(*row);
                    open.pop();
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::topological_order;

    #[test]
    fn parents_come_before_their_children_and_cycles_end() {
        let parents = vec![vec![3], vec![0], vec![], vec![2, 4], vec![5], vec![4]];
        let order = topological_order(&parents);
        let place = |row: usize| order.iter().position(|r| *r == row).unwrap();
        assert_eq!(order.len(), 6);
        for (row, parents) in parents.iter().enumerate().take(4) {
            for parent in parents {
                assert!(place(*parent) < place(row), "{order:?}");
            }
        }
        assert_eq!(topological_order(&[vec![], vec![], vec![]]), [0, 1, 2]);
    }
}
