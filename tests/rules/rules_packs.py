"""A small pack as text, to be broken in tests."""

PACK = """
[pack]
id = "own"
en = "Own"
zh = "自有"

[sources]
P1 = "page 1"

[texts.PERMIT]
en = "Permit"
zh = "许可证"

[[rules]]
id = "r1"
text = "PERMIT"
article_en = "condition 1"
article_zh = "第1条"
codes = ["D01"]
en = "Piles are netted."
zh = "料堆苫盖。"
status = "official"
source = ["P1"]
"""
