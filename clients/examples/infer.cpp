// Read one picture through the KServe V2 protocol (HTTP), in its binary form: the bytes of the file are sent as they are,
// and texts and scores come back as bytes. Needs libcurl and nlohmann-json:
//
//     g++ -std=c++17 -O2 -Wall -Wextra infer.cpp -lcurl -o infer
//
// Exit codes: 0 read, 1 refused or not answered, 2 the command itself is wrong.

#include <curl/curl.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Json = nlohmann::json;

const char usage[] =
    "usage: infer [--url HOST:PORT] [--option NAME=VALUE]... [--scores] [--timeout SECONDS] PICTURE";
const char header_length[] = "Inference-Header-Content-Length";  // bytes of JSON in a body that goes on with tensors

struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Command {
    std::string url = "localhost:8000";
    std::string picture;
    Json options = Json::object();  // of the request
    bool scores = false;
    long timeout_s = 60;
};

Command parsed(const std::vector<std::string>& words) {
    Command command;
    for (std::size_t at = 0; at < words.size(); ++at) {
        const std::string& word = words[at];
        const auto value = [&]() -> const std::string& {
            if (at + 1 == words.size()) throw UsageError(word + " needs a value; " + usage);
            return words[++at];
        };
        if (word == "--url") {
            command.url = value();
        } else if (word == "--scores") {
            command.scores = true;
        } else if (word == "--timeout") {
            const std::string& text = value();
            const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
            command.timeout_s = digits && !text.empty() && text.size() < 7 ? std::stol(text) : 0;
            if (command.timeout_s == 0) throw UsageError("--timeout takes whole seconds, not '" + text + "'");
        } else if (word == "--option") {
            const std::string& pair = value();
            const std::size_t equals = pair.find('=');
            if (equals == 0 || equals == std::string::npos)
                throw UsageError("--option takes NAME=VALUE, not '" + pair + "'");
            // 0.6 and true are JSON; what is not, such as rows, is a text
            const std::string text = pair.substr(equals + 1);
            const Json json = Json::parse(text, nullptr, false);
            command.options[pair.substr(0, equals)] = json.is_discarded() ? Json(text) : json;
        } else if (word.size() > 1 && word[0] == '-') {
            throw UsageError("unknown flag " + word + "; " + usage);
        } else if (command.picture.empty()) {
            command.picture = word;
        } else {
            throw UsageError(usage);
        }
    }
    if (command.picture.empty()) throw UsageError(usage);
    return command;
}

std::string file_bytes(const std::string& path) {
    std::error_code none;  // what is not there is no file either
    std::ifstream file(path, std::ios::binary);
    if (!std::filesystem::is_regular_file(path, none) || !file) throw UsageError("cannot read the file '" + path + "'");
    return {std::istreambuf_iterator<char>(file), {}};
}

// Lengths and numbers of the protocol are little-endian.
void append_u32(std::string& to, std::uint32_t value) {
    for (int shift = 0; shift < 32; shift += 8) to.push_back(static_cast<char>(value >> shift & 0xff));
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
    if (at + 4 > bytes.size()) throw std::runtime_error("the answer ends too early");
    std::uint32_t value = 0;
    for (int byte = 3; byte >= 0; --byte) value = value << 8 | static_cast<unsigned char>(bytes[at + byte]);
    return value;
}

struct Message {
    std::string body;
    std::size_t json_size = 0;  // bytes of JSON at the beginning of the body
    long status = 0;
};

Message request_for(const std::string& picture, Json parameters) {
    const Json binary = {{"binary_data", true}};
    const Json header = {
        {"inputs",
         {{{"name", "image"},
           {"shape", {1}},
           {"datatype", "BYTES"},
           {"parameters", {{"binary_data_size", picture.size() + 4}}}}}},
        {"outputs", {{{"name", "texts"}, {"parameters", binary}}, {{"name", "scores"}, {"parameters", binary}}}},
        {"parameters", std::move(parameters)},
    };
    Message request;
    request.body = header.dump(-1, ' ', false, Json::error_handler_t::replace);
    request.json_size = request.body.size();
    append_u32(request.body, static_cast<std::uint32_t>(picture.size()));
    request.body += picture;
    return request;
}

extern "C" std::size_t take_body(char* data, std::size_t, std::size_t size, void* to) {
    static_cast<Message*>(to)->body.append(data, size);
    return size;
}

extern "C" std::size_t take_header(char* data, std::size_t, std::size_t size, void* to) {
    const std::size_t name = sizeof header_length - 1;
    if (size > name && data[name] == ':' && curl_strnequal(data, header_length, name)) {
        const std::string value(data + name + 1, size - name - 1);
        static_cast<Message*>(to)->json_size = std::strtoull(value.c_str(), nullptr, 10);
    }
    return size;
}

Message posted(const Command& command, const Message& request) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) throw std::runtime_error("libcurl does not start");
    curl_slist* list = nullptr;
    for (const std::string& line : {
             std::string("Content-Type: application/octet-stream"),
             header_length + (": " + std::to_string(request.json_size)),
             std::string("Expect:"),  // or libcurl waits a second for leave to send a large picture
         })
        list = curl_slist_append(list, line.c_str());
    const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(list, curl_slist_free_all);

    Message answer;
    char said[CURL_ERROR_SIZE] = "";
    const std::string url = command.url + "/v2/models/ocr/infer";
    curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, command.timeout_s);
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, said);
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK)
        throw std::runtime_error("no answer from " + command.url + ": " + (*said ? said : curl_easy_strerror(code)));
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

struct Line {
    std::string text;
    float score;
};

std::vector<Line> lines_of(const Message& answer) {
    if (answer.json_size > answer.body.size()) throw std::runtime_error("the answer ends too early");
    const std::size_t json_size = answer.json_size ? answer.json_size : answer.body.size();
    const std::string_view body = answer.body;
    const Json header = Json::parse(body.substr(0, json_size));
    std::string_view texts, scores, rest = body.substr(json_size);
    for (const Json& output : header.at("outputs")) {  // the tensors' bytes come in the order of this list
        const std::size_t size = output.at("parameters").at("binary_data_size");
        if (size > rest.size()) throw std::runtime_error("the answer ends too early");
        (output.at("name") == "texts" ? texts : scores) = rest.substr(0, size);
        rest.remove_prefix(size);
    }
    std::vector<Line> lines;
    for (std::size_t at = 0, number = 0; at < texts.size(); ++number) {
        const std::size_t length = u32_at(texts, at);
        if (length > texts.size() - at - 4) throw std::runtime_error("the answer ends too early");
        const std::uint32_t bits = u32_at(scores, 4 * number);
        Line line{std::string(texts.substr(at + 4, length)), 0};
        std::memcpy(&line.score, &bits, sizeof line.score);
        lines.push_back(std::move(line));
        at += 4 + length;
    }
    return lines;
}

void read(const Command& command) {
    const Message answer = posted(command, request_for(file_bytes(command.picture), command.options));
    if (answer.status != 200) {
        const Json said = Json::parse(answer.body, nullptr, false);
        const bool known = said.is_object() && said.contains("error") && said["error"].is_string();
        throw std::runtime_error(command.url + " answered with the status " + std::to_string(answer.status) + ": " +
                                 (known ? said["error"].get<std::string>() : "without a word"));
    }
    std::vector<Line> lines;
    try {
        lines = lines_of(answer);
    } catch (const std::exception& error) {
        throw std::runtime_error("what " + command.url + " answered is not the text of a page: " + error.what());
    }
    for (const Line& line : lines) {
        if (command.scores) std::printf("%.4f\t", static_cast<double>(line.score));
        std::printf("%s\n", line.text.c_str());
    }
}

}  // namespace

int main(int count, char* words[]) {
    try {
        const std::vector<std::string> arguments(words + 1, words + count);
        if (arguments == std::vector<std::string>{"--help"}) {
            std::puts(usage);
            return 0;
        }
        curl_global_init(CURL_GLOBAL_DEFAULT);
        read(parsed(arguments));
        curl_global_cleanup();
    } catch (const UsageError& error) {
        std::cerr << "infer: " << error.what() << '\n';
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "infer: " << error.what() << '\n';
        return 1;
    }
}
