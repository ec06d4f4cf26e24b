//! The two languages of the documentation, and the few words of its pages that no document has.

use serde::Serialize;

/// A language that every page is there in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    English,
    Chinese,
}

/// What stands around a document.
#[derive(Debug, Serialize)]
pub(super) struct Words {
    pub(super) site: &'static str,
    pub(super) contents: &'static str,
    pub(super) on_this_page: &'static str,
    pub(super) skip: &'static str,
    pub(super) search: &'static str,
    pub(super) search_for: &'static str,
    pub(super) found: &'static str,
    pub(super) nothing_found: &'static str,
    pub(super) what_to_search: &'static str,
    pub(super) open: &'static str,
    pub(super) previous: &'static str,
    pub(super) next: &'static str,
    pub(super) pages: &'static str,
    pub(super) missing: &'static str,
    pub(super) missing_why: &'static str,
    pub(super) first_page: &'static str,
    pub(super) anchor: &'static str,
    pub(super) reference: &'static str,
    pub(super) reference_why: &'static str,
    pub(super) schemas: &'static str,
    pub(super) schemas_why: &'static str,
    pub(super) all_operations: &'static str,
    pub(super) operation: &'static str,
    pub(super) summary: &'static str,
    pub(super) needs: &'static str,
    pub(super) parameters: &'static str,
    pub(super) body: &'static str,
    pub(super) answers: &'static str,
    pub(super) example: &'static str,
    pub(super) name: &'static str,
    pub(super) place: &'static str,
    pub(super) r#type: &'static str,
    pub(super) meaning: &'static str,
    pub(super) required: &'static str,
    pub(super) status: &'static str,
    pub(super) code: &'static str,
    pub(super) fields: &'static str,
    pub(super) values: &'static str,
}

impl Language {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// As the `lang` attribute, and the directory of its pictures, write it.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// What it calls itself.
    pub(super) const fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "中文",
        }
    }

    /// The directory of its documents, with a slash; the first language has none.
    pub(super) const fn directory(self) -> &'static str {
        match self {
            Self::English => "",
            Self::Chinese => "zh-CN/",
        }
    }

    /// The other one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// Of what is asked for.
    pub(super) fn of_path(path: &str) -> Self {
        let chinese = path.split('/').next() == Some(Self::Chinese.code());
        if chinese { Self::Chinese } else { Self::English }
    }

    /// The path of a page below `/docs/`; a page without a name is the first one.
    pub(super) fn path(self, name: &str) -> String {
        format!("{}{name}", self.directory()).trim_end_matches('/').to_owned()
    }

    /// The address of a page.
    pub(super) fn url(self, name: &str) -> String {
        format!("/docs/{}", self.path(name)).trim_end_matches('/').to_owned()
    }

    /// The text in this language.
    pub(super) const fn one_of<'t>(self, english: &'t str, chinese: &'t str) -> &'t str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// Its words.
    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Chinese => &CHINESE,
        }
    }
}

static ENGLISH: Words = Words {
    site: "davit documentation",
    contents: "Contents",
    on_this_page: "On this page",
    skip: "Skip to the text",
    search: "Search",
    search_for: "Search the documentation",
    found: "Found",
    nothing_found: "Nothing found. Try fewer or other words.",
    what_to_search: "Words, a key of davit.toml, a path of the API: a place is found when it has all of them.",
    open: "Open davit",
    previous: "Before",
    next: "Next",
    pages: "Pages before and after",
    missing: "There is no such page",
    missing_why: "It was moved, or never was. Search for it, or begin with the first page.",
    first_page: "To the first page",
    anchor: "Link to this place",
    reference: "Reference",
    reference_why: "Made from the code of this very server.",
    schemas: "Schemas",
    schemas_why: "The shapes of what is sent and answered. A field without “required” may be absent.",
    all_operations: "All operations",
    operation: "Operation",
    summary: "What it does",
    needs: "Needs",
    parameters: "Parameters",
    body: "Body",
    answers: "Answers",
    example: "Example",
    name: "Name",
    place: "In",
    r#type: "Type",
    meaning: "Meaning",
    required: "required",
    status: "Status",
    code: "Code",
    fields: "Fields",
    values: "One of",
};

static CHINESE: Words = Words {
    site: "davit 文档",
    contents: "目录",
    on_this_page: "本页内容",
    skip: "跳到正文",
    search: "搜索",
    search_for: "搜索文档",
    found: "搜索结果",
    nothing_found: "没有找到。请减少关键词，或换个说法。",
    what_to_search: "可以输入词语、davit.toml 的键或 API 路径；同时包含所有关键词的章节会列出来。",
    open: "打开 davit",
    previous: "上一页",
    next: "下一页",
    pages: "上一页与下一页",
    missing: "没有这个页面",
    missing_why: "它已移动，或从未存在。请搜索，或从首页开始。",
    first_page: "回到首页",
    anchor: "本节链接",
    reference: "参考",
    reference_why: "由这台服务器自己的代码生成；说明文字为英文。",
    schemas: "数据结构",
    schemas_why: "请求和响应的结构。没有标“必填”的字段可能不出现。",
    all_operations: "全部操作",
    operation: "操作",
    summary: "作用",
    needs: "要求",
    parameters: "参数",
    body: "请求体",
    answers: "响应",
    example: "示例",
    name: "名称",
    place: "位置",
    r#type: "类型",
    meaning: "含义",
    required: "必填",
    status: "状态码",
    code: "错误码",
    fields: "字段",
    values: "取值",
};
