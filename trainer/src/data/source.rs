//! What a data file or folder holds and how to read it.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a row of data is: it decides the scaling, the metrics and the pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Columns of different units, each scaled by itself
    #[default]
    Points,
    /// Pixels line by line, all scaled alike
    Images,
    /// Samples in the order of time, all scaled alike
    Windows,
}

/// How files are read; what is left out is found out from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Source {
    /// What a row is; images for IDX files, windows if cut from a recording, else points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// A file of classes beside the data's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<PathBuf>,
    /// The .csv column of the classes, by name or number from 0; the one called `label`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_column: Option<String>,
    /// Length of the windows to cut each column into, which is then a recording; of a named set's windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Samples from the start of a window to that of the next; a window's length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Share held back for comparison where there is no test file.
    pub hold_out: f32,
    /// Classes that are left out; the others are numbered anew from 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<u16>,
}

impl Default for Source {
    fn default() -> Self {
        Self {
            kind: None,
            labels: None,
            label_column: None,
            window: None,
            stride: None,
            hold_out: 0.2,
            without: Vec::new(),
        }
    }
}
