#!/usr/bin/env python3
"""What transformers renders of chat templates (transformers 5.23, Jinja2 3.1.6).

    python scripts/make-chat-fixtures.py OUT [--templates DIRECTORY] [--tokenizer DIRECTORY]

OUT is peft-models/src/test/resources/chat. OUT/constructs.json has small templates, one for each construct of the language; OUT/families.json has the templates
of scripts/chat_templates, which are shaped as those of ten model families are, with conversations, and for each pair the text or the error, and the places of
what stands in generation blocks, counted in characters of Python; OUT/tokens.json has ids and masks with a tokenizer of ../tokenizers, and with the
tokenizer of a model (SmolLM2-135M-Instruct) OUT/smollm2.json has them with that. With other --templates (*.jinja), families.json alone is made of those, for a
comparison that is not kept; the test says where (-Dpeft4j.chats=OUT).
"""
import argparse
import itertools
import json
import os

os.environ["HF_HUB_OFFLINE"] = "1"
import jinja2
import transformers
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.utils.chat_template_utils import _compile_jinja_template, render_jinja_template

transformers.logging.set_verbosity_error()

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": 'The weather of a "place" <now>',
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "Zürich, 東京"},
                    "days": {"type": "integer", "default": 1, "minimum": 0.5},
                    "exact": {"type": "boolean", "default": False, "enum": [True, None]},
                },
                "required": ["place"],
            },
            "return": {"type": "string"},
        },
    },
    {"type": "function", "function": {"name": "stop", "description": "Stops", "parameters": {"type": "object", "properties": {}, "required": []}}},
]


def m(role, content, **more):
    return {"role": role, "content": content, **more}


def call(name, arguments, id="abcdefghi"):
    return {"type": "function", "id": id, "function": {"name": name, "arguments": arguments}}


CHATS = {
    "one": [m("user", "Hi")],
    "answered": [m("user", "Hi"), m("assistant", "Hello.")],
    "system": [m("system", "Be brief."), m("user", "Hi"), m("assistant", "Hello.")],
    "turns": [m("user", "One?"), m("assistant", "Two."), m("user", "Three?"), m("assistant", "Four."), m("user", "Five?")],
    "unicode": [m("system", "Réponds en 日本語 😀"), m("user", "Straße 👩‍👩‍👧 İ"), m("assistant", "🇫🇷 naïve\u00a0\u2028x")],
    "marks": [m("user", "{{ x }} {% if y %} {# z #} <b>&amp;'\"\\"), m("assistant", "<|im_end|> {'a': 1} </s>")],
    "spaces": [m("system", "  s \n"), m("user", "\n\n  a  \t"), m("assistant", "\n b \n\n"), m("user", " c\r\n")],
    "empty": [m("system", ""), m("user", ""), m("assistant", "")],
    "thinking": [m("user", "Why?"), m("assistant", "<think>\nhm\n</think>\n\nSo."), m("user", "And?"), m("assistant", "<think>\nwell\n</think>\n\nThus.")],
    "order": [m("assistant", "I begin"), m("user", "No"), m("user", "Again")],
}
WITH_TOOLS = {
    "called": [
        m("system", "Use tools."),
        m("user", "Weather?"),
        m("assistant", "", tool_calls=[call("weather", {"place": "Zürich", "days": 2, "exact": None})]),
        m("tool", "<sun> 21.5°"),
        m("assistant", "Sunny."),
    ],
    "tools": [m("user", "Stop")],
}
MORE = [{}, {"enable_thinking": False}]

VARIABLES = {
    "messages": CHATS["system"] + [m("user", "  hi {x} ")],
    "add_generation_prompt": True,
    "tools": None,
    "words": ["b", "A", "c", "a"],
    "numbers": [3, 1, 2, 10],
    "tool": {"name": "f", "parameters": {"a": 1, "b": [True, None, 1.5, 'é<"\n😀'], "c": {}, "d": []}},
    "text": "one two  three\n four",
    "emoji": "a😀é👍z",
    **TOKENS,
}
CONSTRUCTS = r"""
{{ 1 + 2 * 3 - 4 // 3 % 5 }} {{ 7 / 2 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7.5 // 2 }} {{ 1e3 }} {{ 10_000 }}
{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e-5 }} {{ 123456789.123 }} {{ 1.0 }} {{ 2 / 3 }} {{ 1e22 }} {{ 5e-324 }} {{ 100.0 * 3 }} {{ -0.0 }}
{{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 < 2 < 3 }} {{ 3 > 2 > 2 }} {{ (1, 2) == [1, 2] }} {{ none == false }}
{{ 'b' in 'abc' }} {{ 1 not in [2, 3] }} {{ 'name' in tool }} {{ 'x' in zz }} {{ not 'a' in 'b' }} {{ not true and false }}
{{ [] or 'x' }} {{ 0 and 1 }} {{ '' or none or 0 }} {{ 'a' and 'b' }} {{ not [] }}
{{ 'a' if tools else 'b' }}{{ 'c' if tools is none }}{{ 'd' if false }}{{ 1 if false else 2 if false else 3 }}
{{ 'a' ~ 1 ~ none ~ 1.5 ~ true ~ [1, 'x'] ~ zz }} {{ 'a' 'b' "c" }} {{ 'x' * 3 }} {{ [1] * 2 + [3] }} {{ 3 * 'ab' }}
{{ [1, 'a', "it's", 'q"', 'both\'"', none, true, 1.5, {'k': (1, 2), 2: ()}, (1,)] }}
{{ '\n\t\x41\u00e9\U0001F600\101\q\'' }}|{{ ['\n\x00\x7f\xa0\u200b\u2028\ue000😀é'] }}
{{ {'a': 1, 'b': [1]} }} {{ {}.a is defined }} {{ {'a': {'b': 2}}.a.b }} {{ {'items': 1}['items'] }} {{ {1: 'x'}[1] }} {{ dict(a=1, b='c') }}
{{ messages[0].role }} {{ messages[-1]['role'] }} {{ messages[9] is defined }} {{ messages[0].zz is defined }} {{ messages[0]['zz'] }} {{ messages.0.role }} {{ messages[0].items()|list }}
{{ words[1:] }} {{ words[:-1] }} {{ words[::-1] }} {{ words[::2] }} {{ words[-2:] }} {{ words[5:] }} {{ words[3:1:-1] }} {{ text[:3] }} {{ text[-4:] }} {{ text[::-1] }} {{ words[none:2] }}
{{ emoji|length }} {{ emoji[1] }} {{ emoji[::-1] }} {{ emoji[-2:] }} {{ emoji|list }} {{ emoji.find('é') }} {{ emoji|reverse }}
{{ text.split() }} {{ text.split(' ') }} {{ text.split(' ', 1) }} {{ text.split(none, 2) }} {{ text.rsplit(' ', 1) }} {{ text.splitlines() }} {{ 'a,b,'.split(',') }} {{ ''.split(',') }} {{ ''.split() }} {{ text.split('one')[-1] }}
{{ '  a '.strip() }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcba'.lstrip('ab') }}|{{ '\n\na\n'.strip('\n') }}|{{ '\u2003a\xa0'.strip() }}|
{{ text.upper() }} {{ 'ÀSS'.lower() }} {{ 'straße'.upper() }} {{ 'hELLO wORLD'.capitalize() }} {{ "they're bill's".title() }} {{ 'aB'.swapcase() }}
{{ text.startswith('one') }} {{ text.endswith(('x', 'four')) }} {{ text.replace('o', '0') }} {{ text.replace('o', '0', 1) }} {{ 'ab'.replace('', '-') }} {{ text.count('o') }} {{ text.find('zz') }} {{ text.rfind('o') }} {{ text.index('two') }}
{{ ', '.join(words) }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ '42'.zfill(5) }} {{ '-4'.zfill(4) }} {{ 'a'.center(6, '*') }} {{ 'ab'.center(5, '*') }} {{ 'a'.ljust(3) }}| {{ 'a'.rjust(3) }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'ab'.partition('x') }}
{{ '12'.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'ab1'.islower() }} {{ ''.isdigit() }}
{{ '%s is %d' % ('a', 3) }} {{ '%.2f' % 1.005 }} {{ '%5s|%-5s|%05d' % ('a', 'b', 42) }} {{ '%s' % none }} {{ '%%' % () }} {{ '%r' % 'a' }} {{ '{} {1}'|replace('{1}', 'x') }} {{ '{} and {}'.format(1, 'b') }} {{ '{1}{0}{x}{{'.format(1, 2, x=3) }} {{ '%s-%s'|format('a', 2) }}
{{ tool.items()|list }} {{ tool.keys()|list }} {{ tool.values()|list|length }} {{ tool.get('zz') }} {{ tool.get('zz', 'd') }} {{ tool.get('name') }} {% for k, v in tool.items() %}{{ k }}={{ v }};{% endfor %}{% for k in tool %}{{ k }}{% endfor %}
{{ tool|tojson }} {{ tool|tojson(indent=2) }} {{ tool|tojson(ensure_ascii=true) }} {{ tool|tojson(sort_keys=true) }} {{ tool|tojson(separators=(',', ':')) }} {{ [1, (2,), {3: none, true: 1.0}]|tojson }} {{ 'a/b\u007f\x01'|tojson }} {{ []|tojson(indent=2) }} {{ 1e100|tojson }} {{ tool|tojson(indent='\t') }}
{{ words|join }} {{ words|join('-') }} {{ messages|join(',', attribute='role') }} {{ words|first }} {{ words|last }} {{ []|first }} {{ words|length }} {{ words|count }} {{ words|list }} {{ 'ab'|list }} {{ tool|list }}
{{ words|sort }} {{ words|sort(reverse=true) }} {{ words|sort(case_sensitive=true) }} {{ numbers|sort }} {{ numbers|max }} {{ numbers|min }} {{ numbers|sum }} {{ words|unique|list }} {{ numbers|reverse|list }} {{ messages|map(attribute='role')|unique|list }} {{ messages|sort(attribute='role')|map(attribute='role')|list }}
{{ words|map('upper')|list }} {{ words|map('replace', 'a', 'x')|join }} {{ messages|map(attribute='zz', default='-')|list }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|rejectattr('role', 'in', ['user', 'system'])|map(attribute='content')|list }} {{ numbers|select('gt', 2)|list }} {{ numbers|reject('odd')|list }} {{ [0, 1, '']|select|list }} {{ messages|selectattr('content')|list|length }}
{% if messages|selectattr('role', 'equalto', 'nobody') %}always{% endif %}{% set g = words|map('upper') %}{{ g|list }}{{ g|list }}{{ (words|map('lower')|list)[0] }}
{{ tool.parameters|dictsort }} {{ {'b': 1, 'A': 2}|dictsort }} {{ {'b': 1, 'A': 2}|dictsort(true) }} {{ {'b': 1, 'A': 2}|dictsort(by='value') }} {{ {'b': 1, 'A': 2}|dictsort(reverse=true) }} {{ {'a': 1}|items|list }}
{{ zz|default('d') }} {{ ''|default('d') }} {{ ''|default('d', true) }} {{ none|d('x', boolean=true) }} {{ 0|default(5, true) }} {{ zz|length }} {{ zz|list }}
{{ ' a '|trim }}|{{ 'xax'|trim('x') }}|{{ 'a b'|title }}|{{ 'ab'|upper }}|{{ 'AB'|lower }}|{{ 'hello world'|capitalize }}|{{ 5|string + 'x' }}|{{ 'a'|center(5) }}|{{ 'foo-bar (baz'|title }}
{{ '5'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(9) }} {{ 3.9|int }} {{ '3.7'|int }} {{ '2.5'|float }} {{ 'x'|float }} {{ -3|abs }} {{ 2.5|round }} {{ 3.14159|round(2) }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor') }} {{ 3|round }} {{ 'ff'|int(base=16) }}
{{ 'a\nb\n\nc'|indent }}|{{ 'a\nb'|indent(2, true) }}|{{ 'a\n\nb'|indent(2, blank=true) }}|{{ 'a\nb'|indent('> ') }}
{{ 'a b-c'|wordcount }} {{ [1,2,3,4,5]|batch(2)|list }} {{ [1,2,3]|batch(2, 0)|list }} {{ '<a href="x">\'&'|e }} {{ tool.name|safe }} {{ ('<' ~ (tool|tojson|safe) ~ '>') }}
{{ tools is none }} {{ tools is defined }} {{ zz is defined }} {{ zz is undefined }} {{ zz is not defined }} {{ 1 is number }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 'a' is string }} {{ [] is sequence }} {{ {} is sequence }} {{ 'a' is sequence }} {{ 1 is iterable }} {{ 'a' is iterable }} {{ {} is mapping }} {{ [] is mapping }} {{ true is boolean }} {{ 1 is boolean }}
{{ false is false }} {{ 0 is false }} {{ true is true }} {{ 3 is odd }} {{ 3 is even }} {{ 6 is divisibleby 3 }} {{ 1 is eq 1 }} {{ 1 is sameas 1 }} {{ none is sameas none }} {{ 'a' is in ['a'] }} {{ 2 is gt 1 }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ range is callable }} {{ zz is string }} {{ none is not none }} {{ 1 is not string and 2 is integer }}
{% for i in range(3) %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }}{{ loop.depth }};{% endfor %}
{% for i in range(5) if i is odd %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}{% for i in [] %}{% else %}none{% endfor %}{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}{% for (a, b) in [[1, 2]] %}{{ a }}{{ b }}{% endfor %}{% for i in range(10, 0, -3) %}{{ i }} {% endfor %}{% for x in 1, 2 %}{{ x }}{% endfor %}
{% for i in range(9) %}{% if i == 2 %}{% continue %}{% elif i == 5 %}{% break %}{% endif %}{{ i }}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ j }}{% endfor %}{% endfor %}
{% for item in [{'n': 1, 'c': [{'n': 2, 'c': [{'n': 3}]}]}] recursive %}{{ item.n }}{{ loop.depth0 }}{% if item.c %}({{ loop(item.c) }}){% endif %}{% endfor %}{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t = 1, %}{{ t }}
{% set ns = namespace(n=0, s='') %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% set ns.s %}{{ ns.s }}{{ i }}{% endset %}{% endfor %}{{ ns.n }} {{ ns.s }} {{ ns.zz is defined }}
{% set x %}a{% set y = 1 %}b {% endset %}[{{ x }}]{{ y is defined }}{% set z | upper | trim %} q {% endset %}[{{ z }}]{% filter upper %}abc{{ 1 }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a is defined }}
{% macro f(a, b=2, c='x' ~ b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, 3) }} {{ f(a=1, c=2) }} {{ f() }} {{ f.name }}{% macro v() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, 2, x=3) }}
{% macro m(x) %}[{{ caller(x) if caller else x }}]{% endmacro %}{{ m(1) }}{% call(y) m(2) %}<{{ y }}>{% endcall %}{% macro g(n) %}{{ n }}{% if n > 0 %}{{ g(n - 1) }}{% endif %}{% endmacro %}{{ g(3) }}{% set late = 'no' %}{% macro h() %}{{ late }}{% endmacro %}{% set late = 'yes' %}{{ h() }}
{% macro args(a) %}{{ a }}{% endmacro %}{{ args(*[1]) }}{{ args(**{'a': 2}) }}{% set j = joiner('|') %}{{ j() }}a{{ j() }}b{% set c = cycler('x', 'y') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}
a\n{% if true %}\nb\n{% endif %}\nc\n
a\n  {% if true %}\n  b\n  {% endif %}\n  c\n  {# note #}\n  d {# note #}\n  {{ 1 }}\n  e
a \n {%- if true -%} \n b \n {%- endif -%} \n c {{- 1 -}} \n d {#- x -#} \n e
a\n  {%+ if true %}\nb\n  {% endif +%}\nc{{ 1 }}\n\n{{ 2 }}\n
  {% set x = 1 %}  \n{{ x }}  {% if x %} y {% endif %} z\n    {%- if x %}\n q{% endif %}
{% raw %}{{ a }} {% if %}{% endraw %}|{%- raw -%}  x {{ }} {%- endraw -%}  y
{{ '}}' }}{{ '{%' }}{{ {'a': {'b': 1}} }}{{ "%}" }}{# a {{ b }} #}{{- ' x ' -}}{{ 'a' }}{% if '%}' %}k{% endif %}
a\r\nb\rc{% if true %}\r\nd{% endif %}
{% generation %}a{% set q = 1 %}{% endgeneration %}{{ q is defined }}
{% if a is defined and a %}1{% elif tools %}2{% else %}3{% endif %}{% if not (zz) %}4{% endif %}
{{ zz.a }}
{{ none.a is defined }}{{ none.a.b }}
{{ 'a' + 1 }}
{{ 'a' + none }}
{{ 1 / 0 }}
{{ [1] < 'a' }}
{{ words.append('x') }}
{{ tool.update({'a': 1}) }}
{{ ''.__class__ }}{{ ''.__class__.__mro__ }}
{{ range(1000000) }}
{{ zz() }}
{{ 'a'.nope() }}
{{ 'a'|nope }}
{% if false %}{{ 'a'|nope }}{% endif %}ok
{{ 'a' is nope }}
{% if x %}
{% endif %}
{{ 'a }}
{{ (1 }}
{{ 1 +  }}
{% nope %}
{% for x in 5 %}{% endfor %}
{% set a, b = [1] %}
{% set tool.x = 1 %}
{% break %}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{{ raise_exception('No: ' ~ messages|length) }}
{% set ns = namespace() %}{% set ns._x = 1 %}
{{ 5|length }}
{{ range(3) }} {{ range(1, 9, 3) }} {{ range(3)|list }} {{ range(3) == [0, 1, 2] }} {{ range(4)[1:]|list }} {{ range(5)|length }} {{ range(9, 0, -4)|list }} {{ range(0)|list }} {{ 2 in range(3) }}
{{ range(2)|tojson }}
{{ zz|tojson }}
{{ {'a': 1}|join(',') }} {{ [1, [2, ['3']]]|string|length }} {{ (1, 2)|list + [3] }} {{ [none, true]|join(' ') }} {{ words.index('c') }} {{ words.count('b') }}
{{ 'x'.split(',')|length == 1 and 'y' }} {{ ('a', 'b')[1] }} {{ messages[0]['content'][:2] + '...' }} {{ messages|length - 1 }} {{ -1|abs }} {{ (messages|length) % 2 == 0 }} {{ words[messages|length - 2] }}
{%- for m in messages %}{% set c = m.content %}{%- if loop.index0 == messages|length - 1 and m.role == 'user' %}{{ c.strip() ~ '!' }}{%- endif %}{% endfor -%} end
{{ 'I' ~ ' ' ~ ("am" if true else "") ~ " 'quoted' " }}{{ "a\"b" }}{{ 'tab\there' }}{{ 'back\\slash' }}
{% set content = '<think>\nhm\n</think>\n\nSo.' %}{{ content.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') }}|{{ content.split('</think>')[-1].lstrip('\n') }}
"""


def answer(render):
    try:
        return {"text": render()}
    except Exception as e:
        return {"error": str(e) if type(e) is jinja2.exceptions.TemplateError else ""}


def constructs():
    cases = []
    for line in CONSTRUCTS.strip("\n").split("\n"):
        template = line.replace("\\n", "\n").replace("\\r", "\r") if line[:2] in ("a\\", "a ", "  ") else line
        cases.append({"template": template, **answer(lambda: _compile_jinja_template(template).render(**VARIABLES))})
    return {"variables": VARIABLES, "cases": cases}


def families(directory):
    templates = {}
    for name in sorted(os.listdir(directory)):
        with open(os.path.join(directory, name), encoding="utf-8", newline="") as f:
            templates[name.removesuffix(".jinja")] = f.read()
    cases = []
    for name, template in templates.items():
        for chat, prompt, more in itertools.product(list(CHATS) + list(WITH_TOOLS), [False, True], MORE):
            if more and not any(k in template for k in more):
                continue
            tools = TOOLS if chat in WITH_TOOLS else None
            spans = []

            def render():
                chats = [{**CHATS, **WITH_TOOLS}[chat]]
                texts, all_spans = render_jinja_template(chats, tools, None, template, True, False, prompt, **TOKENS, **more)
                spans.extend(all_spans[0])
                return texts[0]

            cases.append({"template": name, "chat": chat, "prompt": prompt, "more": more, **answer(render), "spans": spans})
    return {"tokens": TOKENS, "tools": TOOLS, "chats": CHATS | WITH_TOOLS, "with_tools": list(WITH_TOOLS), "templates": templates, "cases": cases}


def tokens(tokenizer, template):
    """Ids and masks; the marks of turns are special tokens."""
    cases = []
    for name, chat in CHATS.items():
        if name == "order":
            continue
        r = tokenizer.apply_chat_template(chat, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True)
        cases.append({"chat": name, "messages": chat, "ids": r["input_ids"], "mask": r["assistant_masks"]})
    return {"template": template, "cases": cases}


def save(out, name, content):
    with open(os.path.join(out, name), "w") as f:
        json.dump(content, f, ensure_ascii=True, indent=None, separators=(",", ":"))
    print(name, len(content["cases"]), "cases,", sum("error" in c for c in content["cases"]), "errors")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--templates")
    parser.add_argument("--tokenizer")
    given = parser.parse_args()
    os.makedirs(given.out, exist_ok=True)
    made = families(given.templates or os.path.join(HERE, "chat_templates"))
    save(given.out, "families.json", made)
    if given.templates:
        return
    save(given.out, "constructs.json", constructs())
    small = os.path.join(given.out, "..", "tokenizers", "qwen2", "tokenizer.json")
    template = made["templates"]["chatml-generation"]
    save(given.out, "tokens.json", tokens(PreTrainedTokenizerFast(tokenizer_file=small, eos_token="<|im_end|>"), template))
    if given.tokenizer:
        save(given.out, "smollm2.json", tokens(AutoTokenizer.from_pretrained(given.tokenizer), template))


if __name__ == "__main__":
    main()
