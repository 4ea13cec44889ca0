"""Tables for other programs: matches, pairs, articles and what a search found, as CSV or Parquet.

`rows` joins matches and pairs with photos and articles, `articles` says how well each article is
matched, `negatives` which matches were refused, `files` writes any of them. `selection` gathers
chosen photos as far as they may leave; `bundle`, `contact_sheet` and `xmp` write them.
"""
