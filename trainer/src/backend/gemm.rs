//! Matrix products on the host.

/// A row-major matrix or the transpose of one.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// `data` as rows x columns, row-major.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns);
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transpose, without moving data.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// Adds a b to the row-major `sum`, on the calling thread.
pub fn add_product(sum: &mut [f32], a: View<'_>, b: View<'_>) {
    assert_eq!(a.columns, b.rows);
    assert_eq!(sum.len(), a.rows * b.columns);
    // SAFETY: by construction every index of a view lies in its data, and the assertions above
    // give `sum` its a.rows x b.columns elements.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            sum.as_mut_ptr(),
            1,
            b.columns as isize,
            true,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_products_of_transposes() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut sum = vec![100.0; 4];
        add_product(&mut sum, View::new(&a, 2, 3), View::new(&a, 2, 3).transposed());
        assert_eq!(sum, [114.0, 132.0, 132.0, 177.0]);
        let mut sum = vec![0.0; 9];
        add_product(&mut sum, View::new(&a, 2, 3).transposed(), View::new(&a, 2, 3));
        assert_eq!(sum[..6], [17.0, 22.0, 27.0, 22.0, 29.0, 36.0]);
    }
}
