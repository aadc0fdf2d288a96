//! Looking into programs.

use object::read::elf::ElfFile32;
use object::{Object as _, ObjectSection, ObjectSymbol, RelocationTarget, SectionIndex, SymbolIndex};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

/// A linked program.
pub struct Image {
    bytes: Vec<u8>,
}

impl Image {
    pub fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).expect("the image") }
    }

    fn file(&self) -> object::File<'_> {
        object::File::parse(&*self.bytes).expect("an object file")
    }

    /// The command that runs it on its board.
    pub fn command(&self) -> Vec<String> {
        let file = self.file();
        let section = file.section_by_name(".board").expect("a board section");
        let text = String::from_utf8_lossy(section.data().expect("its bytes"));
        let command = text.trim().strip_prefix("board-command: ").expect("a command");
        command.split_whitespace().map(String::from).collect()
    }

    /// The names of its symbols that are of this kind.
    pub fn find(&self, kind: impl Fn(&str) -> bool) -> Vec<String> {
        let file = self.file();
        let names = file.symbols().filter_map(|symbol| symbol.name().ok().map(String::from));
        let names: Vec<String> = names.collect();
        assert!(names.len() > 20, "the symbols are there");
        names.into_iter().filter(|name| kind(name)).collect()
    }

    /// Bytes of a section, 0 if there is none.
    pub fn size(&self, section: &str) -> u64 {
        self.file().section_by_name(section).map_or(0, |section| section.size())
    }
}

/// Whether it is part of an allocator.
pub fn allocates(symbol: &str) -> bool {
    let parts = ["__rust_alloc", "__rust_dealloc", "__rust_realloc", "__rg_alloc", "5alloc5alloc"];
    parts.iter().any(|part| symbol.contains(part))
        || ["malloc", "free", "calloc", "realloc"].contains(&symbol)
}

/// Whether it computes with doubles, by the names of the ARM run-time ABI and of libgcc.
pub fn double_routine(symbol: &str) -> bool {
    let arm = symbol.strip_prefix("__aeabi_").is_some_and(|name| {
        let verbs = ["dadd", "dsub", "drsub", "dmul", "ddiv", "dcmp", "cdcmp", "cdrcmp", "dneg"];
        verbs.iter().any(|verb| name.starts_with(verb)) || name.contains("2d") || name.starts_with("d2")
    });
    arm || symbol.starts_with("__") && (symbol.contains("df2") || symbol.contains("df3"))
        || symbol.starts_with("__float") && symbol.ends_with("df")
        || symbol.starts_with("__fix") && symbol.contains("df")
}

/// Whether a function outside the core computes with integers or memory only.
pub fn integer_routine(symbol: &str) -> bool {
    let memory = ["memcpy", "memmove", "memset", "memcmp"];
    let arm = ["memcpy", "memmove", "memset", "memclr", "lmul", "llsl", "llsr", "lasr", "idiv", "uidiv"];
    let libgcc = ["__muldi3", "__ashldi3", "__ashrdi3", "__lshrdi3", "__divsi3", "__udivsi3", "__clzsi2"];
    memory.contains(&symbol)
        || libgcc.contains(&symbol)
        || symbol.strip_prefix("__aeabi_").is_some_and(|name| arm.iter().any(|arm| name.starts_with(arm)))
        || symbol.contains("4core9panicking")
        || symbol.contains("4core5slice5index")
        || symbol.contains("4core3fmt3num") // integers in messages of panics, unoptimized
}

/// An object file with a section for each function.
pub struct Object {
    bytes: Vec<u8>,
}

impl Object {
    pub fn read(path: &Path) -> Self {
        Self { bytes: std::fs::read(path).expect("the object") }
    }

    /// What can be called out of the object from the functions whose names contain `root`.
    pub fn calls_out_of(&self, root: &str) -> BTreeSet<String> {
        let file = ElfFile32::<object::Endianness>::parse(&*self.bytes).expect("an ELF object");
        let (mut open, mut seen, mut outside) = (Vec::new(), HashSet::new(), BTreeSet::new());
        let roots = file.symbols().filter(|symbol| symbol.name().is_ok_and(|name| name.contains(root)));
        open.extend(roots.filter_map(|symbol| symbol.section_index()));
        assert!(!open.is_empty(), "no function is called {root}");
        let symbols: HashMap<SymbolIndex, (String, Option<SectionIndex>)> = file
            .symbols()
            .map(|symbol| (symbol.index(), (symbol.name().unwrap_or("").into(), symbol.section_index())))
            .collect();
        while let Some(section) = open.pop() {
            if !seen.insert(section) {
                continue;
            }
            let section = file.section_by_index(section).expect("the section");
            for (_, relocation) in section.relocations() {
                let RelocationTarget::Symbol(target) = relocation.target() else { continue };
                let (name, section) = &symbols[&target];
                match section {
                    Some(section) => open.push(*section),
                    None => _ = outside.insert(name.clone()),
                }
            }
        }
        outside
    }
}
