#include "tunewright/corpus/pii/detector.h"

#include <algorithm>
#include <map>

#include "tunewright/corpus/pii/characters.h"
#include "tunewright/corpus/pii/matchers.h"

namespace tunewright::corpus::pii {
namespace {

class Scan {
 public:
  Scan(std::string_view text, const DetectorOptions& options, double threshold)
      : text_(text), options_(options), threshold_(threshold) {}

  std::vector<Finding> run() {
    for (size_t i = 0; i < text_.size();) {
      const auto classes = class_of(text_[i]);
      if ((classes & kWord) == 0) {
        i = on_sign(i);
        continue;
      }
      Word word{i, i + 1, classes};
      for (; word.end < text_.size(); ++word.end) {
        const auto next = class_of(text_[word.end]);
        if ((next & kWord) == 0) break;
        word.classes |= next;
      }
      i = on_word(word);
    }
    return std::move(findings_);
  }

 private:
  bool wants(Entity entity) const { return has(options_.entities, entity); }

  void add(const MaybeFinding& found) {
    if (found && found->score >= threshold_ && wants(found->entity)) findings_.push_back(*found);
  }

  // Each returns where the scan goes on.
  size_t on_sign(size_t i) {
    switch (text_[i]) {
      case '@':
        if (wants(Entity::kEmailAddress)) add(find_email(text_, i));
        break;
      case '<':
        return std::max(i + 1, placeholder_end(text_, i));
      case '=':
        if (wants(Entity::kSecret)) add(find_assigned_secret(text_, i));
        break;
      case ':':
        on_colon(i);
        break;
      default:
        break;
    }
    return i + 1;
  }

  void on_colon(size_t i) {
    if (text_.substr(i, 3) == "://") {
      if (wants(Entity::kUrl) && i >= url_end_) {
        const auto url = find_url(text_, i);
        if (url) url_end_ = url->end;
        add(url);
      }
      if (wants(Entity::kSecret)) add(find_url_password(text_, i));
      return;
    }
    if (wants(Entity::kSecret) && at(text_, i + 1) != '=') add(find_assigned_secret(text_, i));
    if (wants(Entity::kIpAddress) && at(text_, i + 1) == ':') add(find_ipv6(text_, i));
  }

  size_t on_word(const Word& word) {
    const char next = at(text_, word.end);
    if ((word.classes & kDigit) != 0) {
      on_word_with_digits(word);
    } else if (one_of("-.", next) || word.size() >= 16) {
      if (wants(Entity::kSecret)) add(find_vendor_secret(text_, word));
    }
    if (word.size() <= 4 && one_of(":-.", next)) on_hex_group(word, next);
    if (is_upper(text_[word.begin])) return on_capital(word);
    if (wants(Entity::kUrl) && one_of(".-", next)) add(find_bare_url(text_, word));
    return word.end;
  }

  size_t on_capital(const Word& word) {
    if (wants(Entity::kSecret)) {
      if (const auto block = find_key_block(text_, word)) {
        add(block);
        return block->end;
      }
      add(find_bearer(text_, word));
    }
    if (wants(Entity::kDateTime)) add(find_date(text_, word));
    if (wants(Entity::kUrl)) add(find_bare_url(text_, word));
    return word.end;
  }

  void on_hex_group(const Word& word, char next) {
    if (wants(Entity::kMacAddress)) add(find_mac(text_, word));
    const char beyond = at(text_, word.end + 1);
    if (wants(Entity::kIpAddress) && next == ':' && (is_hex(beyond) || beyond == ':'))
      add(find_ipv6(text_, word.begin));
  }

  void on_word_with_digits(const Word& word) {
    if (word.classes == kDigit) {
      on_number(word);
    } else if (is_letter(text_[word.begin])) {
      if (wants(Entity::kIbanCode)) add(find_iban(text_, word));
    }
    if (word.size() >= 14 && wants(Entity::kCrypto)) add(find_crypto(text_, word));
    if (wants(Entity::kSecret)) {
      if (word.size() >= 14 && !wants(Entity::kCrypto)) add(find_crypto(text_, word));
      add(find_vendor_secret(text_, word));
    }
    if (wants(Entity::kUsMbi)) add(find_mbi(text_, word));
    if (wants(Entity::kMedicalLicense)) add(find_medical_license(text_, word));
    if (wants(Entity::kUsPassport)) add(find_passport(text_, word));
    if (wants(Entity::kUsDriverLicense)) add(find_driver_license(text_, word));
    if (wants(Entity::kDateTime) && is_digit(text_[word.begin])) add(find_date(text_, word));
  }

  void on_number(const Word& word) {
    if (wants(Entity::kPhoneNumber)) on_phone(word);
    if (wants(Entity::kCreditCard)) add(find_card(text_, word));
    if (wants(Entity::kUsSsn)) add(find_ssn(text_, word));
    if (wants(Entity::kIpAddress)) add(find_ipv4(text_, word));
    if (wants(Entity::kUsItin)) add(find_itin(text_, word));
    if (wants(Entity::kAbaRoutingNumber)) add(find_aba(text_, word));
    if (wants(Entity::kUsNpi)) add(find_npi(text_, word));
    if (wants(Entity::kUsBankNumber)) add(find_bank_number(text_, word));
  }

  void on_phone(const Word& word) {
    if (word.begin < phone_end_) return;
    // "+49", "(030)", "(+49)": with its signs first, then without those of the sentence around it.
    const size_t plus = word.begin - (sign_before(word.begin) == '+' ? 1 : 0);
    const size_t begin = plus - (sign_before(plus) == '(' ? 1 : 0);
    auto found = find_phone(text_, begin, options_.phone_regions);
    if (!found && begin != plus) found = find_phone(text_, plus, options_.phone_regions);
    if (!found) return;
    phone_end_ = found->end;
    add(found);
  }

  char sign_before(size_t i) const { return i > 0 ? text_[i - 1] : '\0'; }

  std::string_view text_;
  const DetectorOptions& options_;
  double threshold_;
  size_t phone_end_ = 0;  // digits before it belong to a number that was found
  size_t url_end_ = 0;    // likewise, for schemes
  std::vector<Finding> findings_;
};

// Longest first, then surest, then by the order of entities.
std::vector<Finding> without_overlaps(std::vector<Finding> findings) {
  std::ranges::sort(findings, [](const Finding& a, const Finding& b) {
    const size_t a_size = a.end - a.begin, b_size = b.end - b.begin;
    if (a_size != b_size) return a_size > b_size;
    if (a.score != b.score) return a.score > b.score;
    if (a.entity != b.entity) return a.entity < b.entity;
    return a.begin < b.begin;
  });
  std::map<size_t, Finding> taken;  // by where they begin
  for (const auto& finding : findings) {
    const auto after = taken.lower_bound(finding.begin);
    if (after != taken.end() && after->first < finding.end) continue;
    if (after != taken.begin() && std::prev(after)->second.end > finding.begin) continue;
    taken.emplace(finding.begin, finding);
  }
  findings.clear();
  for (const auto& [begin, finding] : taken) findings.push_back(finding);
  return findings;
}

}  // namespace

Detector::Detector(DetectorOptions options, std::vector<std::shared_ptr<const NameFinder>> names)
    : options_(std::move(options)), names_(std::move(names)) {
  check_phone_regions(options_.phone_regions);
}

std::vector<Finding> Detector::find(std::string_view text, double threshold) const {
  auto findings = Scan(text, options_, threshold).run();
  for (const auto& names : names_) {
    for (const auto& finding : names->find(text))
      if (finding.score >= threshold && has(options_.entities, finding.entity))
        findings.push_back(finding);
  }
  return findings.size() > 1 ? without_overlaps(std::move(findings)) : findings;
}

size_t placeholder_end(std::string_view text, size_t begin) {
  const auto inside = text.substr(begin + 1, 40);
  for (const auto& info : kEntities) {
    const std::string_view name = info.name;
    if (!inside.starts_with(name)) continue;
    size_t size = name.size();
    if (size < inside.size() && inside[size] == ':')
      for (++size; size < inside.size() && is_hex(inside[size]);) ++size;
    if (size < inside.size() && inside[size] == '>') return begin + 1 + size + 1;
  }
  return begin;
}

}  // namespace tunewright::corpus::pii
