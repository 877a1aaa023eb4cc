#include "tunewright/rows/readers/html.h"

#include <gumbo.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <map>
#include <memory>
#include <vector>

#include "tunewright/base/error.h"
#include "tunewright/base/str.h"
#include "tunewright/rows/readers/encoding.h"
#include "tunewright/rows/readers/reader.h"
#include "tunewright/rows/readers/utf8.h"

namespace tunewright::rows {
namespace {

constexpr size_t kMaxPageBytes = size_t{16} << 20;
constexpr size_t kMaxTreeBytes = size_t{512} << 20;
constexpr int64_t kMaxNesting = 1000;

// Memory for one page's tree, let go at once: gumbo's own way of freeing it calls itself for every
// level of nesting, which a hostile page makes as many as it likes.
class Arena {
 public:
  std::jmp_buf& limit_reached() { return limit_reached_; }

  static void* allocate(void* self, size_t size) {
    return static_cast<Arena*>(self)->allocate(size);
  }
  static void release(void* /*self*/, void* /*block*/) {}

 private:
  // Out of memory is no state that gumbo knows; its frames hold nothing that needs to be undone.
  void* allocate(size_t size) {
    constexpr size_t kBlock = size_t{1} << 18, kAlign = alignof(std::max_align_t);
    size = (size + kAlign - 1) / kAlign * kAlign;
    if (total_ + size > kMaxTreeBytes) std::longjmp(limit_reached_, 1);
    total_ += size;
    if (size > left_) {
      const auto bytes = std::max(size, kBlock);
      blocks_.emplace_back(new std::byte[bytes]);
      next_ = blocks_.back().get();
      left_ = bytes;
    }
    auto* block = next_;
    next_ += size;
    left_ -= size;
    return block;
  }

  std::jmp_buf limit_reached_{};
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  std::byte* next_ = nullptr;
  size_t left_ = 0, total_ = 0;
};

// None: the tree grew too large.
GumboOutput* parse_page(std::string_view page, Arena& arena) {
  GumboOptions options = kGumboDefaultOptions;
  options.allocator = &Arena::allocate;
  options.deallocator = &Arena::release;
  options.userdata = &arena;
  options.max_errors = 0;
  if (setjmp(arena.limit_reached()) != 0) return nullptr;
  return gumbo_parse_with_options(&options, page.data(), page.size());
}

// Elements without an end tag, or whose end tag may be left out: many open ones do not nest.
constexpr std::array kSelfEnding = {
    "area",  "base",   "body", "br",    "col", "colgroup", "dd",     "dt",
    "embed", "head",   "hr",   "html",  "img", "input",    "li",     "link",
    "meta",  "option", "p",    "param", "rp",  "rt",       "source", "tbody",
    "td",    "tfoot",  "th",   "thead", "tr",  "track",    "wbr"};

// The tag that a "<" begins: "div", "/div"; empty where it begins none.
std::string tag_at(std::string_view rest) {
  constexpr size_t kLongestName = 20;
  size_t size = rest.starts_with('/') ? 1 : 0;
  while (size < std::min(rest.size(), kLongestName) && ((rest[size] | 0x20) >= 'a') &&
         ((rest[size] | 0x20) <= 'z'))
    ++size;
  return to_lower(rest.substr(0, size));
}

// Gumbo looks through all open elements at every tag, so the time grows with the square of the
// depth.  Browsers stop at a depth of 512.
void check_nesting(std::string_view page) {
  std::map<std::string, int64_t, std::less<>> open;
  int64_t depth = 0;
  for (size_t i = page.find('<'); i != std::string_view::npos; i = page.find('<', i + 1)) {
    const auto tag = tag_at(page.substr(i + 1));
    if (tag == "script" || tag == "style") {
      i = std::min(page.find("</", i), page.size() - 1);
    } else if (tag.size() > 1 && tag[0] == '/') {
      const auto it = open.find(std::string_view(tag).substr(1));
      if (it == open.end() || it->second == 0) continue;
      --it->second;
      --depth;
    } else if (!tag.empty() && tag != "/" &&
               std::ranges::find(kSelfEnding, tag) == kSelfEnding.end()) {
      ++open[tag];
      if (++depth > kMaxNesting)
        throw UserError(str("tags nested deeper than ", kMaxNesting, ": hostile or broken markup"));
    }
  }
}

template <size_t N>
bool is_one_of(GumboTag tag, const std::array<GumboTag, N>& tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

constexpr std::array kUnseen = {GUMBO_TAG_SCRIPT,   GUMBO_TAG_STYLE,    GUMBO_TAG_NOSCRIPT,
                                GUMBO_TAG_TEMPLATE, GUMBO_TAG_HEAD,     GUMBO_TAG_IFRAME,
                                GUMBO_TAG_OBJECT,   GUMBO_TAG_SVG,      GUMBO_TAG_SELECT,
                                GUMBO_TAG_BUTTON,   GUMBO_TAG_TEXTAREA, GUMBO_TAG_NOFRAMES,
                                GUMBO_TAG_NOEMBED,  GUMBO_TAG_TITLE};
constexpr std::array kBesideText = {GUMBO_TAG_NAV, GUMBO_TAG_ASIDE, GUMBO_TAG_FOOTER};
constexpr std::array kParagraphs = {
    GUMBO_TAG_P,          GUMBO_TAG_H1,     GUMBO_TAG_H2, GUMBO_TAG_H3,    GUMBO_TAG_H4,
    GUMBO_TAG_H5,         GUMBO_TAG_H6,     GUMBO_TAG_UL, GUMBO_TAG_OL,    GUMBO_TAG_DL,
    GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_PRE,    GUMBO_TAG_HR, GUMBO_TAG_TABLE, GUMBO_TAG_FIGURE,
    GUMBO_TAG_ARTICLE,    GUMBO_TAG_SECTION};
constexpr std::array kBlocks = {
    GUMBO_TAG_DIV,   GUMBO_TAG_LI,      GUMBO_TAG_TR,      GUMBO_TAG_DT,         GUMBO_TAG_DD,
    GUMBO_TAG_MAIN,  GUMBO_TAG_HEADER,  GUMBO_TAG_FOOTER,  GUMBO_TAG_FIGCAPTION, GUMBO_TAG_FORM,
    GUMBO_TAG_BODY,  GUMBO_TAG_CENTER,  GUMBO_TAG_NAV,     GUMBO_TAG_ADDRESS,    GUMBO_TAG_FIELDSET,
    GUMBO_TAG_ASIDE, GUMBO_TAG_CAPTION, GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY};

// Puts text together as a browser lays it out.
class Layout {
 public:
  // `lines`: 1, on a line of its own; 2, with an empty line before.
  void break_line(int lines) { pending_ = std::max(pending_, lines); }
  void line_feed() { pending_ = pending_ == 0 ? 1 : std::min(pending_ + 1, 2); }
  void tab() { tab_ = !text_.empty() && pending_ == 0; }
  void begin_item() { item_ = true; }

  void put(std::string_view text, bool preformatted) {
    if (preformatted) {
      if (!text.empty()) put_word(text, false);
      return;
    }
    while (!text.empty()) {
      const auto begin = text.find_first_not_of(" \t\n\r\f");
      space_ |= begin != 0;
      if (begin == std::string_view::npos) return;
      text.remove_prefix(begin);
      const auto end = std::min(text.find_first_of(" \t\n\r\f"), text.size());
      put_word(text.substr(0, end), space_);
      space_ = false;
      text.remove_prefix(end);
    }
  }
  std::string take() { return std::move(text_); }

 private:
  void put_word(std::string_view word, bool space) {
    const bool at_line_begin = text_.empty() || pending_ > 0;
    if (!text_.empty()) text_.append(static_cast<size_t>(pending_), '\n');
    if (item_) text_ += "- ";
    if (!at_line_begin && tab_) {
      text_ += '\t';
    } else if (!at_line_begin && space && !text_.ends_with('\n')) {
      text_ += ' ';
    }
    text_ += word;
    pending_ = 0;
    tab_ = item_ = false;
    space_ = false;
  }

  std::string text_;
  int pending_ = 0;
  bool space_ = false, tab_ = false, item_ = false;
};

// Goes through the tree without calling itself: it may be of any depth.
class Reader {
 public:
  Reader(const GumboNode* root, bool is_mail) : is_mail_(is_mail) { survey(root); }

  HtmlText read() {
    for_each_node(
        start_, [this](const GumboNode* node) { return enter(node); },
        [this](const GumboNode* node) { leave(node); });
    return {.title = std::move(title_), .text = std::string(trim(layout_.take()))};
  }

 private:
  template <class Enter, class Leave>
  static void for_each_node(const GumboNode* start, const Enter& enter, const Leave& leave) {
    struct Visit {
      const GumboNode* node;
      unsigned child = 0;
    };
    std::vector<Visit> open;
    if (enter(start)) open.push_back({start});
    while (!open.empty()) {
      auto& visit = open.back();
      const auto& children = visit.node->v.element.children;
      if (visit.child == children.length) {
        leave(visit.node);
        open.pop_back();
        continue;
      }
      const auto* child = static_cast<const GumboNode*>(children.data[visit.child++]);
      if (enter(child)) open.push_back({child});
    }
  }

  // The title, and where the text of the page is.
  void survey(const GumboNode* root) {
    start_ = root;
    const GumboNode* main = nullptr;
    const GumboNode* article = nullptr;
    int articles = 0;
    const auto look = [&](const GumboNode* node) {
      if (node->type != GUMBO_NODE_ELEMENT) return false;
      const auto tag = node->v.element.tag;
      if (tag == GUMBO_TAG_MAIN && main == nullptr) main = node;
      if (tag == GUMBO_TAG_ARTICLE) {
        article = node;
        ++articles;
      }
      const bool is_html = node->v.element.tag_namespace == GUMBO_NAMESPACE_HTML;
      if (tag == GUMBO_TAG_TITLE && is_html && title_.empty()) title_ = own_text(node);
      return true;
    };
    for_each_node(root, look, [](const GumboNode*) {});
    if (is_mail_) return;
    if (main != nullptr) start_ = main;
    if (main == nullptr && articles == 1) start_ = article;
  }

  static std::string own_text(const GumboNode* node) {
    Layout layout;
    const auto& children = node->v.element.children;
    for (unsigned i = 0; i < children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(children.data[i]);
      if (child->type == GUMBO_NODE_TEXT || child->type == GUMBO_NODE_WHITESPACE)
        layout.put(child->v.text.text, false);
    }
    return layout.take();
  }

  // Whether to go on to its children.
  bool enter(const GumboNode* node) {
    const auto type = node->type;
    if (type == GUMBO_NODE_TEXT || type == GUMBO_NODE_WHITESPACE || type == GUMBO_NODE_CDATA)
      layout_.put(node->v.text.text, preformatted_ > 0);
    if (type != GUMBO_NODE_ELEMENT) return false;
    const auto tag = node->v.element.tag;
    if (is_one_of(tag, kUnseen) || (!is_mail_ && is_one_of(tag, kBesideText))) return false;
    if (gumbo_get_attribute(&node->v.element.attributes, "hidden") != nullptr) return false;
    if (tag == GUMBO_TAG_BR) layout_.line_feed();
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) layout_.tab();
    preformatted_ += tag == GUMBO_TAG_PRE ? 1 : 0;
    break_at(tag);
    if (tag == GUMBO_TAG_LI) layout_.begin_item();
    return true;
  }

  void leave(const GumboNode* node) {
    const auto tag = node->v.element.tag;
    preformatted_ -= tag == GUMBO_TAG_PRE ? 1 : 0;
    break_at(tag);
  }

  void break_at(GumboTag tag) {
    if (is_one_of(tag, kParagraphs)) layout_.break_line(2);
    if (is_one_of(tag, kBlocks)) layout_.break_line(1);
  }

  bool is_mail_;
  const GumboNode* start_ = nullptr;
  std::string title_;
  Layout layout_;
  int preformatted_ = 0;
};

// The encoding that a page names in its first bytes: <meta charset="…">, or the longer form.
std::string declared_encoding(std::string_view begin) {
  const auto head = to_lower(begin.substr(0, 4096));
  const auto at = head.find("charset=");
  if (at == std::string::npos) return "auto";
  auto name = std::string_view(head).substr(at + 8);
  if (name.starts_with('"') || name.starts_with('\'')) name.remove_prefix(1);
  return std::string(name.substr(0, name.find_first_of("\"'>/; \t\r\n")));
}

// What is valid UTF-8 is that, whatever it says; the rest is what it says, if that is an encoding.
std::string page_in_utf8(const std::string& page, Sink& sink) {
  const auto read_as = [&](const std::string& encoding) {
    return to_utf8(page, encoding, [&] { sink.cut_off(); });
  };
  if (sink.options().encoding != "auto") return read_as(sink.options().encoding);
  const auto detected = detect_encoding(page, true);
  const auto declared = declared_encoding(page);
  if (detected.starts_with("UTF-") || declared == "auto" || declared.starts_with("utf-"))
    return read_as(detected);
  try {
    return read_as(declared);
  } catch (const UserError&) {
    return read_as(detected);
  }
}

}  // namespace

HtmlText html_text(std::string_view utf8, bool is_mail) {
  if (utf8.size() > kMaxPageBytes)
    throw UserError(str("a page of ", human_bytes(static_cast<double>(utf8.size())),
                        "; pages of up to 16 MiB are read"));
  check_nesting(utf8);
  Arena arena;
  const auto* output = parse_page(utf8, arena);
  if (output == nullptr)
    throw UserError("the page makes a tree of more than 512 MiB: hostile or broken markup");
  return Reader(output->root, is_mail).read();
}

void read_html(Input& input, Sink& sink) {
  auto page = page_in_utf8(read_all(input.stream, sink.options().max_row_bytes), sink);
  if (const auto problem = text_problem(page)) throw UserError(*problem);
  auto [title, text] = html_text(page);
  sink.row({{"title", std::move(title)}, {"text", std::move(text)}, {"path", sink.source()}});
}

}  // namespace tunewright::rows
