"""The names under which people keep texts and labels, English and Chinese, the surest first."""

# Each tier is preferred to the next; two columns of one tier are ambiguous.
TEXTS = (
    ("text", "texts", "文本", "sentence_text", "input_text"),
    (
        "message", "messages", "sentence", "sentences", "review", "reviews", "review_text", "reviewtext", "review_body",
        "content", "contents", "comment", "comments", "comment_text", "body", "tweet", "sms", "utterance", "post",
        "document", "article", "passage", "input",
        "内容", "评论", "句子", "正文", "评价", "留言", "消息", "短信", "文章",
        "评论内容", "文本内容", "弹幕", "微博", "微博中文内容",
    ),
    (
        "question", "query", "title", "headline", "description", "abstract", "summary", "news", "string",
        "问题", "标题", "描述", "摘要", "新闻", "查询",
    ),
)  # fmt: skip

PAIRS = (
    ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("sentence_a", "sentence_b"), ("sent1", "sent2"),
    ("text1", "text2"), ("text_1", "text_2"), ("text_a", "text_b"), ("texta", "textb"), ("text", "text_pair"),
    ("question1", "question2"), ("question_1", "question_2"), ("query1", "query2"), ("premise", "hypothesis"),
    ("s1", "s2"), ("q1", "q2"), ("1_string", "2_string"), ("question", "sentence"), ("question", "passage"),
    ("query", "passage"), ("query", "document"), ("anchor", "positive"), ("claim", "evidence"),
    ("句子1", "句子2"), ("文本1", "文本2"), ("问题1", "问题2"), ("前提", "假设"),
)  # fmt: skip

LABELS = (
    ("label", "labels", "gold_label", "标签", "gold", "true_label", "class_label"),
    (
        "category", "class", "classes", "topic", "sentiment", "target", "intent", "polarity", "emotion", "stance",
        "tag", "label_text", "label_name", "is_duplicate", "quality",
        "类别", "分类", "类型", "情感", "主题", "意图", "情绪",
        "情感倾向", "领域",
    ),
    ("score", "rating", "stars", "similarity", "y", "v1", "评分", "分数", "星级"),
)  # fmt: skip

IDENTIFIERS = frozenset(
    ("id", "idx", "index", "uid", "uuid", "guid", "key", "row", "number", "no", "pairid", "promptid", "编号", "序号")
)


def plain(name: str) -> str:
    """A column name in any case and spelling, as the lists above have it: `Review Text` -> `review_text`."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.casefold()).split())


def is_identifier(name: str) -> bool:
    """Whether a column name is that of a number or key of a row."""
    low = plain(name)
    return low in IDENTIFIERS or low.endswith(("_id", "_uuid", "_key")) or low.startswith("id_")
